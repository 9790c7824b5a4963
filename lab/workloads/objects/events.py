"""What somebody waits for."""

import os
import re
import select
import signal
import struct

from frame import call, child, own, PAGE, same, signal_descriptor


class EventFd:
    """a counter"""

    def make(self):
        self.counter = os.eventfd(7, os.EFD_NONBLOCK)

    def check(self):
        same("counter", os.eventfd_read(self.counter), 7)
        same("rest of it", bool(select.select([self.counter], [], [], 0)[0]), False)
        os.eventfd_write(self.counter, 7)


class Epoll:
    """what is registered, one set in another, and a registration that has fired its once"""

    def make(self):
        self.ready, self.quiet, self.once = (os.eventfd(count, os.EFD_NONBLOCK) for count in (1, 0, 1))
        self.inner, self.outer = (call("epoll_create1", os.O_CLOEXEC) for _ in range(2))
        with self.set(self.inner) as inner, self.set(self.outer) as outer:
            inner.register(self.ready, select.EPOLLIN)
            inner.register(self.quiet, select.EPOLLIN)
            inner.register(self.once, select.EPOLLIN | select.EPOLLONESHOT)
            outer.register(self.inner, select.EPOLLIN)
        same("what fires at first", self.poll(self.inner), {self.ready, self.once})

    @staticmethod
    def set(descriptor):
        return select.epoll.fromfd(os.dup(descriptor))

    def poll(self, descriptor):
        with self.set(descriptor) as found:
            return {each for each, _ in found.poll(0)}

    def check(self):
        same("what is ready", self.poll(self.inner), {self.ready})
        same("what is ready in it", self.poll(self.outer), {self.inner})
        os.eventfd_write(self.quiet, 1)
        same("what is ready then", self.poll(self.inner), {self.ready, self.quiet})
        os.eventfd_read(self.quiet)


class SignalFd:
    """a pending signal that is read through a descriptor"""

    def make(self):
        self.descriptor = signal_descriptor(signal.SIGWINCH)
        os.kill(os.getpid(), signal.SIGWINCH)

    def check(self):
        number, _, _, pid = struct.unpack_from("IiiI", os.read(self.descriptor, 128))
        same("signal", (number, pid), (signal.SIGWINCH, os.getpid()))
        os.kill(os.getpid(), signal.SIGWINCH)


class Inotify:
    """watches of a directory and a file go on under their numbers"""

    IN_MODIFY, IN_CREATE = 0x2, 0x100

    def make(self):
        os.mkdir("watched")
        open("watched/file", "x", encoding="ascii").close()
        self.descriptor = call("inotify_init1", os.O_NONBLOCK)
        self.directory = call("inotify_add_watch", self.descriptor, b"watched", self.IN_CREATE)
        self.file = call("inotify_add_watch", self.descriptor, b"watched/file", self.IN_MODIFY)

    def check(self):
        with open("watched/file", "w", encoding="ascii") as file:
            file.write("x")
        open("watched/new", "x", encoding="ascii").close()
        os.unlink("watched/new")
        events = os.read(self.descriptor, PAGE)
        found = []
        while events:
            watch, mask, _, length = struct.unpack_from("iIII", events)
            found.append((watch, mask))
            events = events[16 + length :]
        same("events", sorted(set(found)), sorted([(self.file, self.IN_MODIFY), (self.directory, self.IN_CREATE)]))


class PidFd:
    """stands for a child, and for the process itself"""

    def make(self):
        self.pid, _, self.answer = child(self.wait)
        same("the child", os.read(self.answer, PAGE), b"ready")
        self.child, self.self = os.pidfd_open(self.pid), os.pidfd_open(os.getpid())

    @staticmethod
    def wait(asked, answered):
        signal.signal(signal.SIGUSR2, lambda *_: os.write(answered, b"signal"))
        os.write(answered, b"ready")
        os.read(asked, 1)

    def check(self):
        for descriptor, pid in ((self.child, self.pid), (self.self, os.getpid())):
            same("process", re.search(r"^Pid:\s+(\d+)", own(f"fdinfo/{descriptor}"), re.M)[1], str(pid))
        signal.pidfd_send_signal(self.child, signal.SIGUSR2)
        same("answer", os.read(self.answer, PAGE), b"signal")
