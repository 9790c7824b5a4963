#!/usr/bin/python3
"""Kernel objects that verify themselves: each is made, and looked at again when somebody asks.

usage:     object.py GROUP             makes the objects of a group (KEPT, SPOKEN_OF), as object@GROUP.service
           object.py --kept            the groups that are kept, one a line
           object.py --spoken-of       "GROUP<tab>KIND<tab>WORDS": what nvwa check must say of the others, one a line
           object.py --without GROUP   shows that the checks can fail: each is run in a process that never made its object
ready:     READY=1 to systemd, after the objects were made and checked twice
asks:      SIGUSR1 to the main process; the verdict is in /var/lib/objects/GROUP: "ok", or "failed: KIND: what; ..."
endures:   any number of updates and questions: a check leaves its object as it found it. Monotonic time does not count a
           pause, timers may be late by as long as dump and restore take, and the wall clock goes on.

An object is a class: make() makes it and leaves plain values in self (numbers of descriptors, addresses, what must be found),
check() raises where something is missing. Names of files are relative to a directory of the group's own. What is not kept is
only made, and has the words by which nvwa check speaks of it.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import pickle
import re
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import termios
import threading
import time
import tty

VERDICTS = "/var/lib/objects"
ASK = signal.SIGUSR1
# By all threads, so that they stay pending until somebody reads them.
BLOCKED = {ASK, signal.SIGWINCH, signal.SIGRTMIN + 3, signal.SIGRTMIN + 5}
PAGE = mmap.PAGESIZE

# Timers stand still while they are dumped and restored, the clock does not: what that may take on a busy emulated machine.
LATE = 60.0
# CRIU sets timers that wait for a time of the clock by whole seconds.
EARLY = 1.5
# No kernel comes up faster on such a machine.
SWITCH = 5.0

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
for function in (libc.madvise, libc.mlock, libc.mprotect):
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int][: 2 if function is libc.mlock else 3]


class Lost(Exception):
    pass


def same(what, now, before):
    if now != before:
        raise Lost(f"{what} was {before!r:.80}, is {now!r:.80}")


def within(what, now, least, most):
    if not least <= now <= most:
        raise Lost(f"{what} is {now}, not between {least} and {most}")


def call(name, *arguments):
    """A function of libc that says -1 when it failed."""
    result = getattr(libc, name)(*arguments)
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def own(file):
    with open(f"/proc/self/{file}", encoding="ascii") as lines:
        return lines.read()


def flags(descriptor):
    return fcntl.fcntl(descriptor, fcntl.F_GETFL), fcntl.fcntl(descriptor, fcntl.F_GETFD)


def signal_descriptor(number):
    mask = ctypes.create_string_buffer((1 << number - 1).to_bytes(8, "little"), 128)
    return call("signalfd", -1, mask, os.O_CLOEXEC)


def child(function):
    """A process that runs function with two pipes: it reads what is asked, and writes what it answers."""
    asked, ask = os.pipe()
    answer, answered = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ask)
        os.close(answer)
        try:
            function(asked, answered)
        finally:
            os._exit(0)
    os.close(asked)
    os.close(answered)
    return pid, ask, answer


# ---- channels: what two ends talk through ----


class Pipe:
    """unread bytes, a size of its own, flags"""

    def make(self):
        self.output, self.input = os.pipe2(os.O_NONBLOCK)
        self.size = fcntl.fcntl(self.input, fcntl.F_SETPIPE_SZ, 1 << 18)
        self.flags = flags(self.output)
        self.text = os.urandom(200_000)
        os.write(self.input, self.text)

    def check(self):
        same("size", fcntl.fcntl(self.output, fcntl.F_GETPIPE_SZ), self.size)
        same("flags", flags(self.output), self.flags)
        same("content", os.read(self.output, self.size), self.text)
        os.write(self.input, self.text)


class Fifo:
    """a named pipe with unread bytes, opened three times"""

    def make(self):
        os.mkfifo("fifo")
        self.both = os.open("fifo", os.O_RDWR | os.O_NONBLOCK)
        self.output = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
        self.input = os.open("fifo", os.O_WRONLY)
        os.write(self.input, b"fifo")

    def check(self):
        same("content", os.read(self.output, PAGE), b"fifo")
        os.write(self.both, b"other")
        same("what comes through", os.read(self.output, PAGE), b"other")
        with open("fifo", "wb", buffering=0) as by_name:
            by_name.write(b"fifo")


class SocketPairs:
    """unread bytes of a stream both ways, and messages with their bounds"""

    def make(self):
        kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)
        self.pairs = [[end.detach() for end in socket.socketpair(type=kind)] for kind in kinds]
        for pair in self.pairs:
            self.send(pair)

    def send(self, pair):
        for end in pair:
            for text in (b"one", b"three"):
                os.write(end, text)

    def check(self):
        for pair, texts in zip(self.pairs, ([b"onethree"], [b"one", b"three"], [b"one", b"three"])):
            for end in pair:
                same("content", [os.read(end, PAGE) for _ in texts], texts)
            self.send(pair)


class InFlight:
    """descriptors that were sent through a unix socket and not received yet: a pipe with content, a file"""

    def make(self):
        self.ends = [end.detach() for end in socket.socketpair()]
        pipe, self.input = os.pipe()
        os.write(self.input, b"content")
        file = os.open("in-flight", os.O_CREAT | os.O_RDWR)
        os.write(file, b"some content")
        os.lseek(file, 5, os.SEEK_SET)
        self.send(pipe, file)

    def send(self, *descriptors):
        with socket.socket(fileno=os.dup(self.ends[0])) as sender:
            socket.send_fds(sender, [b"take"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def check(self):
        with socket.socket(fileno=os.dup(self.ends[1])) as receiver:
            message, descriptors, _, _ = socket.recv_fds(receiver, 16, 4, socket.MSG_DONTWAIT)
        same("message", message, b"take")
        same("number of descriptors", len(descriptors), 2)
        pipe, file = descriptors
        same("content of the pipe", os.read(pipe, PAGE), b"content")
        same("rest of the file", os.read(file, PAGE), b"content")
        os.write(self.input, b"content")
        os.lseek(file, 5, os.SEEK_SET)
        self.send(pipe, file)


class UnixListener:
    """a listening unix socket with a name, a connection, and one that nobody has accepted yet"""

    def make(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("listener")
        listener.listen(5)
        self.listener = listener.detach()
        self.client = self.connect()
        self.server = self.accept()
        os.write(self.client, b"hello")
        self.waiting = self.connect()

    @staticmethod
    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.connect("listener")
        return client.detach()

    def accept(self):
        with socket.socket(fileno=os.dup(self.listener)) as listener:
            listener.settimeout(5)
            return listener.accept()[0].detach()

    def check(self):
        same("content", os.read(self.server, PAGE), b"hello")
        os.close(self.client)
        same("end of the connection", os.read(self.server, PAGE), b"")
        os.close(self.server)
        # Who waited is accepted now, and the next one waits. (What he had written CRIU would not dump.)
        self.client, self.server, self.waiting = self.waiting, self.accept(), self.connect()
        os.write(self.client, b"hello")


class UnixDatagrams:
    """a unix datagram socket with a name, unread messages, and a connected sender"""

    def make(self):
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind("datagrams")
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.connect("datagrams")
        self.receiver, self.sender = receiver.detach(), sender.detach()
        os.write(self.sender, b"unread")

    def check(self):
        same("content", os.read(self.receiver, PAGE), b"unread")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.sendto(b"by name", "datagrams")
        same("by name", os.read(self.receiver, PAGE), b"by name")
        os.write(self.sender, b"unread")


# ---- files ----


class Offsets:
    """an offset that two descriptors share, O_APPEND, and a directory"""

    def make(self):
        self.file = os.open("offsets", os.O_CREAT | os.O_RDWR)
        os.write(self.file, b"0123456789")
        os.lseek(self.file, 4, os.SEEK_SET)
        self.copy = os.dup(self.file)
        self.log = os.open("offsets", os.O_WRONLY | os.O_APPEND)
        self.directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self.flags = flags(self.log)

    def check(self):
        same("offset", os.lseek(self.file, 0, os.SEEK_CUR), 4)
        os.lseek(self.copy, 8, os.SEEK_SET)
        same("offset of the other", os.lseek(self.file, -4, os.SEEK_CUR), 4)
        same("flags", flags(self.log), self.flags)
        os.write(self.log, b"x")
        same("content", os.pread(self.file, PAGE, 0), b"0123456789x")
        os.ftruncate(self.file, 10)
        same("directory", "offsets" in os.listdir(self.directory), True)


class Unlinked:
    """open files without a name: one whose name was removed, one that never had any"""

    def make(self):
        self.removed = os.open("unlinked", os.O_CREAT | os.O_RDWR)
        os.unlink("unlinked")
        self.nameless = os.open(".", os.O_TMPFILE | os.O_RDWR)
        self.text = os.urandom(100_000)
        for file in (self.removed, self.nameless):
            os.write(file, self.text)
            os.lseek(file, 77, os.SEEK_SET)

    def check(self):
        for file in (self.removed, self.nameless):
            same("names", os.fstat(file).st_nlink, 0)
            same("offset", os.lseek(file, 0, os.SEEK_CUR), 77)
            same("content", os.pread(file, len(self.text) + 1, 0), self.text)
        same("name", os.path.exists("unlinked"), False)


class Locks:
    """a lock of each kind: of the process, of the open file, flock(2), and a lease"""

    TAKEN = (errno.EAGAIN, errno.EACCES)
    F_OFD_SETLK = 37

    def make(self):
        self.process = os.open("process.lock", os.O_CREAT | os.O_RDWR)
        fcntl.lockf(self.process, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)
        self.open_file = os.open("open-file.lock", os.O_CREAT | os.O_RDWR)
        fcntl.fcntl(self.open_file, self.F_OFD_SETLK, self.whole())
        self.flock = os.open("flock.lock", os.O_CREAT | os.O_RDWR)
        fcntl.flock(self.flock, fcntl.LOCK_EX)
        os.close(os.open("lease", os.O_CREAT))
        self.lease = os.open("lease", os.O_RDONLY)
        fcntl.fcntl(self.lease, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        self.shown = self.show()

    @staticmethod
    def whole():
        return struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)

    def show(self):
        """The kernel's own lines, without the number and the inode's device."""
        found = [re.findall(r"^lock:\s+\S+ +(.*)", own(f"fdinfo/{each}"), re.M) for each in (self.process, self.open_file, self.flock, self.lease)]
        return [re.sub(r"[0-9a-f]+:[0-9a-f]+:", "", line) for lines in found for line in lines]

    def refused(self, name, lock):
        file = os.open(name, os.O_RDWR)
        try:
            lock(file)
            raise Lost(f"{name} could be locked again")
        except OSError as error:
            same(f"answer for {name}", error.errno in self.TAKEN, True)
        finally:
            os.close(file)

    def check(self):
        same("locks", self.show(), self.shown)
        same("lease", fcntl.fcntl(self.lease, fcntl.F_GETLEASE), fcntl.F_RDLCK)
        self.refused("open-file.lock", lambda file: fcntl.fcntl(file, self.F_OFD_SETLK, self.whole()))
        self.refused("flock.lock", lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
        # Through another open file of this process, as closing one would give up the process's own lock.
        pid = os.fork()
        if pid == 0:
            try:
                self.refused("process.lock", lambda file: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20))
                os._exit(0)
            finally:
                os._exit(1)
        same("another process locks", os.waitpid(pid, 0)[1], 0)


class MappedFile:
    """a file that is mapped and closed: what is written into memory is in the file"""

    def make(self):
        file = os.open("mapped", os.O_CREAT | os.O_RDWR)
        os.ftruncate(file, 4 * PAGE)
        self.address = call("mmap", None, 4 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file, 0)
        os.close(file)
        self.write(os.urandom(16))

    def write(self, text):
        self.text = text
        ctypes.memmove(self.address + PAGE, text, len(text))

    def check(self):
        same("memory", ctypes.string_at(self.address + PAGE, 16), self.text)
        self.write(os.urandom(16))
        with open("mapped", "rb") as file:
            file.seek(PAGE)
            same("file", file.read(16), self.text)


# ---- events ----


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


# ---- memory ----


class Mappings:
    """anonymous memory: protection, advice, locks, what is not there, and what it holds"""

    ADVICE = {"hugepage": 14, "dontfork": 10, "dontdump": 16, "mergeable": 12, "wipeonfork": 18}

    def make(self):
        self.areas = {name: self.map() for name in ("plain", "read-only", "none", "locked", "shared", *self.ADVICE)}
        call("mprotect", self.areas["read-only"], 4 * PAGE, mmap.PROT_READ)
        call("mprotect", self.areas["none"], 4 * PAGE, 0)
        call("mlock", self.areas["locked"], 4 * PAGE)
        for name, advice in self.ADVICE.items():
            call("madvise", self.areas[name], 4 * PAGE, advice)
        self.shown = self.show()

    def map(self):
        address = call("mmap", None, 4 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        ctypes.memmove(address, address.to_bytes(8), 8)
        return address

    def show(self):
        """Permissions and flags of each area, without those that come and go with its use."""
        found = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ (\S+)(?:.*\n(?!VmFlags))*?.*\nVmFlags: (.*)", own("smaps"), re.M)
        shown = {int(start, 16): (permissions, set(flags.split()) - {"sd", "ac"}) for start, permissions, flags in found}
        return {name: shown.get(address) for name, address in self.areas.items()}

    def check(self):
        same("areas", self.show(), self.shown)
        for name, address in self.areas.items():
            if name != "none":
                same(name, ctypes.string_at(address, 4 * PAGE), address.to_bytes(8).ljust(4 * PAGE, b"\0"))


class SharedMemory:
    """memory that two processes share, made by their ancestor"""

    def make(self):
        self.address = call("mmap", None, 4 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0)
        self.count = 0
        _, self.ask, self.answer = child(self.add)

    def value(self):
        return ctypes.c_uint64.from_address(self.address + PAGE)

    def add(self, asked, answered):
        while os.read(asked, 1):
            self.value().value += 1
            os.write(answered, b".")

    def check(self):
        same("memory", self.value().value, self.count)
        os.write(self.ask, b".")
        os.read(self.answer, 1)
        self.count += 1
        same("what the other wrote", self.value().value, self.count)


class MemoryFile:
    """a memfd: content, seals, a mapping of it, a name"""

    def make(self):
        self.file = os.memfd_create("object", os.MFD_ALLOW_SEALING)
        self.text = os.urandom(3 * PAGE)
        os.write(self.file, self.text)
        self.address = call("mmap", None, 3 * PAGE, mmap.PROT_READ, mmap.MAP_SHARED, self.file, 0)
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.name = os.readlink(f"/proc/self/fd/{self.file}")

    def check(self):
        same("content", os.pread(self.file, 4 * PAGE, 0), self.text)
        same("mapping", ctypes.string_at(self.address, 3 * PAGE), self.text)
        same("seals", fcntl.fcntl(self.file, fcntl.F_GET_SEALS), fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        same("name", os.readlink(f"/proc/self/fd/{self.file}"), self.name)
        os.pwrite(self.file, b"new", PAGE)
        same("mapping then", ctypes.string_at(self.address + PAGE, 3), b"new")
        os.pwrite(self.file, self.text, 0)


class HugePages:
    """a private and a shared mapping, and a memfd, of huge pages"""

    SIZE, MAP_HUGETLB, MFD_HUGETLB = 2 << 20, 0x40000, 4

    def make(self):
        self.file = os.memfd_create("huge", self.MFD_HUGETLB)
        os.ftruncate(self.file, self.SIZE)
        self.areas = [self.map(mmap.MAP_PRIVATE), self.map(mmap.MAP_SHARED), self.map(mmap.MAP_SHARED, self.file)]
        self.texts = [os.urandom(PAGE) for _ in self.areas]
        for address, text in zip(self.areas, self.texts):
            ctypes.memmove(address + PAGE, text, PAGE)

    def map(self, kind, file=-1):
        kind |= mmap.MAP_ANONYMOUS | self.MAP_HUGETLB if file < 0 else 0
        return call("mmap", None, self.SIZE, mmap.PROT_READ | mmap.PROT_WRITE, kind, file, 0)

    def check(self):
        for address, text in zip(self.areas, self.texts):
            same("content", ctypes.string_at(address + PAGE, PAGE), text)
            size = re.search(rf"^{address:x}-(?:.*\n)*?KernelPageSize:\s+(\d+) kB", own("smaps"), re.M)
            same("kind of page", size and int(size[1]) << 10, self.SIZE)


# ---- timers: by the monotonic clock, for which there was no pause ----


class Clocks:
    """the monotonic clocks stood still, the wall clock went on"""

    def make(self):
        self.look()

    def look(self):
        self.clocks = [time.clock_gettime(clock) for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME, time.CLOCK_REALTIME)]
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            self.boot = file.read()

    def check(self):
        clocks, boot = self.clocks, self.boot
        self.look()
        monotonic, boot_time, wall = (now - before for now, before in zip(self.clocks, clocks))
        pause = SWITCH if self.boot != boot else 0
        within("monotonic time since the last check", monotonic, 0, wall - pause + EARLY)
        within("boot time since then", boot_time, monotonic - EARLY, monotonic + EARLY)


class Alarm:
    """a periodic signal: it goes on, and none came for the pause; and a timer of the processor's time, set once"""

    INTERVAL = 0.5

    def make(self):
        signal.signal(signal.SIGALRM, self.tick)
        signal.setitimer(signal.ITIMER_REAL, self.INTERVAL, self.INTERVAL)
        signal.setitimer(signal.ITIMER_VIRTUAL, 100_000)
        self.begin()

    def begin(self):
        self.begun, self.count = time.monotonic(), 0

    def tick(self, *_):
        self.count += 1

    def check(self):
        before, deadline = self.count, time.monotonic() + LATE
        while self.count == before and time.monotonic() < deadline:
            time.sleep(self.INTERVAL)
        passed = time.monotonic() - self.begun
        within("time by the signals", self.count * self.INTERVAL, passed - LATE, passed + EARLY)
        same("still coming", self.count > before, True)
        same("interval", signal.getitimer(signal.ITIMER_REAL)[1], self.INTERVAL)
        within("processor time left", signal.getitimer(signal.ITIMER_VIRTUAL)[0], 90_000, 100_001)
        self.begin()


class TimerFds:
    """timers that fire once, on each clock that stands still, after a while and at a time; and one that has fired"""

    CLOCKS = time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME
    FAR = 100_000

    def make(self):
        self.after, self.at = ([os.timerfd_create(clock) for clock in self.CLOCKS] for _ in range(2))
        self.fired = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK)
        self.set()

    def set(self):
        """Anew after each check: a second or less is lost in each dump."""
        self.begun = time.monotonic()
        for clock, after, at in zip(self.CLOCKS, self.after, self.at):
            os.timerfd_settime(after, initial=self.FAR)
            os.timerfd_settime(at, flags=os.TFD_TIMER_ABSTIME, initial=self.FAR + time.clock_gettime(clock))
        os.timerfd_settime(self.fired, initial=0.001)
        select.select([self.fired], [], [])

    def check(self):
        for descriptor in self.after + self.at:
            left, passed = os.timerfd_gettime(descriptor)[0], time.monotonic() - self.begun
            within("time left", left, self.FAR - passed - EARLY, self.FAR - passed + LATE)
        same("expirations", os.read(self.fired, 8), struct.pack("Q", 1))
        self.set()


class PosixTimers:
    """timers of timer_create(2): a signal each second with a value, and one that is far away on the wall clock"""

    SIGNAL = signal.SIGRTMIN + 3

    def make(self):
        self.begun = time.monotonic()
        self.each_second = self.timer(time.CLOCK_MONOTONIC, 1, 1)
        self.once = self.timer(time.CLOCK_REALTIME, 100_000, 0)

    def timer(self, clock, initial, interval):
        # struct sigevent: value, signal, SIGEV_SIGNAL.
        event = ctypes.create_string_buffer(struct.pack("Qii", 4711, self.SIGNAL, 0), 64)
        timer = ctypes.c_void_p()
        call("timer_create", clock, event, ctypes.byref(timer))
        call("timer_settime", timer, 0, struct.pack("4q", interval, 0, initial, 0), None)
        return timer.value or 0

    def left(self, timer):
        setting = ctypes.create_string_buffer(32)
        call("timer_gettime", ctypes.c_void_p(timer), setting)
        interval, _, seconds, nanoseconds = struct.unpack("4q", setting.raw)
        return interval, seconds + nanoseconds / 1e9

    def check(self):
        passed = time.monotonic() - self.begun
        same("interval", self.left(self.each_second)[0], 1)
        within("time left", self.left(self.once)[1], 100_000 - passed - EARLY, 100_000 - passed + LATE)
        with os.fdopen(signal_descriptor(self.SIGNAL), "rb", buffering=0) as signals:
            # Twice: the first one may have been pending for long.
            for _ in range(2):
                same("comes", bool(select.select([signals], [], [], LATE)[0]), True)
                same("value", struct.unpack_from("Q", signals.read(128), 48)[0], 4711)


# ---- process: what belongs to no descriptor ----


class Limits:
    """resource limits, soft and hard"""

    LOWER = {resource.RLIMIT_NOFILE: (1000, 2000), resource.RLIMIT_CORE: (0, 4096), resource.RLIMIT_STACK: (4 << 20, 6 << 20), resource.RLIMIT_AS: (1 << 40, 1 << 41)}

    def make(self):
        for limit, values in self.LOWER.items():
            resource.setrlimit(limit, values)

    def check(self):
        for limit, values in self.LOWER.items():
            same(f"limit {limit}", resource.getrlimit(limit), values)


class Scheduling:
    """nice, SCHED_BATCH, and a thread with a realtime class; a thread has its own number, too"""

    def make(self):
        os.nice(5)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        self.wake, self.woken = os.pipe()
        thread = threading.Thread(target=os.read, args=(self.wake, 1), daemon=True)
        thread.start()
        self.thread = thread.native_id
        os.sched_setscheduler(self.thread, os.SCHED_RR, os.sched_param(3))

    def check(self):
        same("nice", os.getpriority(os.PRIO_PROCESS, 0), 5)
        same("class", os.sched_getscheduler(0), os.SCHED_BATCH)
        same("class of the thread", os.sched_getscheduler(self.thread), os.SCHED_RR)
        same("its priority", os.sched_getparam(self.thread).sched_priority, 3)
        same("thread", os.path.exists(f"/proc/self/task/{self.thread}"), True)


class Attributes:
    """umask, working directory, name, credentials, capabilities, oom score, signals: what /proc says of the process"""

    STATUS = "Name Umask Uid Gid Groups NStgid SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs THP_enabled".split()
    PENDING = signal.SIGRTMIN + 5
    PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG = 15, 38, 36, 1

    def make(self):
        os.umask(0o27)
        os.mkdir("directory")
        os.chdir("directory")
        os.setgroups([4, 5, 6])
        os.setresgid(0, 7, 0)
        for option, value in ((self.PR_SET_NAME, b"attributes"), (self.PR_SET_NO_NEW_PRIVS, 1), (self.PR_SET_CHILD_SUBREAPER, 1)):
            call("prctl", option, ctypes.c_ulong(value) if isinstance(value, int) else value, 0, 0, 0)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("321")
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        os.kill(os.getpid(), self.PENDING)
        os.kill(os.getpid(), self.PENDING)
        self.shown = self.show()

    def show(self):
        status = dict(line.split(":\t", 1) for line in own("status").splitlines())
        subreaper = ctypes.c_int()
        call("prctl", 37, ctypes.byref(subreaper), 0, 0, 0)
        return [status.get(name) for name in self.STATUS] + [os.getcwd(), own("oom_score_adj"), own("personality"), subreaper.value]

    def check(self):
        for name, now, before in zip(self.STATUS + ["directory", "oom_score_adj", "personality", "subreaper"], self.show(), self.shown):
            same(name, now, before)
        for _ in range(2):
            if not signal.sigtimedwait({self.PENDING}, 0):
                raise Lost("a pending signal is missing")
        same("pending signals", signal.sigtimedwait({self.PENDING}, 0), None)
        os.kill(os.getpid(), self.PENDING)
        os.kill(os.getpid(), self.PENDING)


class Children:
    """a zombie that was not waited for, a stopped child, and a process group"""

    def make(self):
        self.zombie = os.fork()
        if self.zombie == 0:
            os._exit(42)
        os.waitid(os.P_PID, self.zombie, os.WEXITED | os.WNOWAIT)
        self.stopped, _, _ = child(lambda asked, _: os.read(asked, 1))
        os.setpgid(self.stopped, self.stopped)
        os.kill(self.stopped, signal.SIGSTOP)
        os.waitid(os.P_PID, self.stopped, os.WSTOPPED | os.WNOWAIT)

    def check(self):
        same("status of the zombie", os.waitid(os.P_PID, self.zombie, os.WEXITED | os.WNOWAIT | os.WNOHANG).si_status, 42)
        with open(f"/proc/{self.stopped}/stat", encoding="ascii") as file:
            state, parent, group = file.read().rsplit(")", 1)[1].split()[:3]
        same("stopped child", (state, int(parent), int(group)), ("T", os.getpid(), self.stopped))


# ---- terminals ----


class Pty:
    """a pseudo terminal: settings, size, unread lines"""

    def make(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        setting = termios.tcgetattr(self.slave)
        setting[3] |= termios.ECHONL
        setting[6][termios.VINTR] = b"\x07"
        termios.tcsetattr(self.slave, termios.TCSANOW, setting)
        termios.tcsetwinsize(self.slave, (33, 77))
        self.shown = self.show()

    def show(self):
        return os.ttyname(self.slave), termios.tcgetattr(self.slave), termios.tcgetwinsize(self.master)

    def check(self):
        same("terminal", self.show(), self.shown)
        for one, other in ((self.master, self.slave), (self.slave, self.master)):
            os.write(one, b"through")
            same("what comes through", os.read(other, PAGE), b"through")


class Session:
    """a session with a controlling terminal and a job in the foreground, as under tmux"""

    def make(self):
        self.leader, self.master = os.forkpty()
        if self.leader == 0:
            self.lead()
        same("prompt", self.line(), b"ready")

    @staticmethod
    def lead():
        """Started anew, as nothing of the group is its business: a shell that runs a job in the foreground."""
        os.closerange(3, 1000)
        call("prctl", 1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\n"))
            os.write(1, b"ready\n")
            while line := os.read(0, PAGE):
                os.write(1, b"answer to " + line)
            os._exit(0)
        os.waitpid(job, 0)
        os._exit(0)

    def line(self):
        if not select.select([self.master], [], [], 10)[0]:
            raise Lost("the terminal says nothing")
        return os.read(self.master, PAGE).strip()

    def check(self):
        termios.tcflush(self.master, termios.TCIOFLUSH)
        with open(f"/proc/{self.leader}/stat", encoding="ascii") as file:
            parent, group, session, terminal, foreground = map(int, file.read().rsplit(")", 1)[1].split()[1:6])
        same("leader", (parent, group, session), (os.getpid(), self.leader, self.leader))
        same("has a terminal", terminal > 0, True)
        same("its foreground", foreground, os.tcgetpgrp(self.master))
        same("is a job", foreground != self.leader, True)
        self.ask(b"question\n", b"answer to question")
        self.ask(b"\x03", b"interrupted")

    def ask(self, text, answer):
        os.write(self.master, text)
        said = b""
        while answer not in said:
            said += self.line()


# ---- sockets ----


class TcpOptions:
    """options of a listening socket"""

    OPTIONS = {
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
        (socket.SOL_SOCKET, socket.SO_REUSEADDR): 1,
        (socket.SOL_SOCKET, socket.SO_REUSEPORT): 1,
        (socket.SOL_SOCKET, socket.SO_OOBINLINE): 1,
        (socket.SOL_SOCKET, socket.SO_RCVBUF): 200_000,
        (socket.SOL_SOCKET, socket.SO_SNDBUF): 100_000,
        (socket.SOL_SOCKET, socket.SO_PRIORITY): 5,
        (socket.SOL_SOCKET, socket.SO_MARK): 11,
        (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 123,
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 45,
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 6,
        (socket.IPPROTO_IP, socket.IP_TOS): 0x10,
        (socket.IPPROTO_IP, socket.IP_TTL): 33,
    }

    def make(self):
        listener = socket.socket()
        for (level, option), value in self.OPTIONS.items():
            listener.setsockopt(level, option, value)
        listener.bind(("127.0.0.1", 0))
        listener.listen(17)
        self.shown = self.show(listener)
        self.listener = listener.detach()

    def show(self, listener):
        return {each: listener.getsockopt(*each) for each in self.OPTIONS}

    def check(self):
        with socket.socket(fileno=os.dup(self.listener)) as listener:
            for option, value in self.show(listener).items():
                same(f"option {option}", value, self.shown[option])
            with socket.create_connection(listener.getsockname(), 10):
                listener.settimeout(10)
                listener.accept()[0].close()


class Tcp:
    """connections within the process: unread bytes both ways, one that is closed on one side; IPv4 and IPv6"""

    def make(self):
        self.pairs = [self.connect(family, host) for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))]
        self.half = self.connect(socket.AF_INET, "127.0.0.1")
        os.write(self.half[0], b"last words")
        with socket.socket(fileno=os.dup(self.half[0])) as closed:
            closed.shutdown(socket.SHUT_WR)
        for pair in self.pairs:
            self.send(pair)

    @staticmethod
    def connect(family, host):
        with socket.create_server((host, 0), family=family) as listener:
            client = socket.create_connection(listener.getsockname()[:2])
            return client.detach(), listener.accept()[0].detach()

    def send(self, pair):
        for end in pair:
            os.write(end, b"unread")

    def check(self):
        for pair in self.pairs:
            for end in pair:
                same("content", os.read(end, PAGE), b"unread")
            self.send(pair)
        with socket.socket(fileno=os.dup(self.half[1])) as half:
            half.settimeout(10)
            same("last words", half.recv(PAGE, socket.MSG_PEEK), b"last words")
            half.send(b"goes on")
        same("the other way", os.read(self.half[0], PAGE), b"goes on")


class Udp:
    """a bound and a connected socket, with options"""

    OPTIONS = {(socket.SOL_SOCKET, socket.SO_BROADCAST): 1, (socket.SOL_SOCKET, socket.SO_RCVBUF): 50_000, (socket.IPPROTO_IP, socket.IP_TTL): 9, (socket.IPPROTO_IP, socket.IP_PKTINFO): 1}

    def make(self):
        bound, connected = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        for each, value in self.OPTIONS.items():
            bound.setsockopt(*each, value)
        bound.bind(("127.0.0.1", 0))
        connected.connect(bound.getsockname())
        self.shown = {each: bound.getsockopt(*each) for each in self.OPTIONS}
        self.bound, self.connected = bound.detach(), connected.detach()

    def check(self):
        with socket.socket(fileno=os.dup(self.bound)) as bound:
            same("options", {each: bound.getsockopt(*each) for each in self.OPTIONS}, self.shown)
            os.write(self.connected, b"datagram")
            bound.settimeout(10)
            same("datagram", bound.recv(PAGE), b"datagram")


# ---- what is refused ----


class Semaphore:
    """CRIU makes a plain counter of it."""

    words = "counts as a semaphore"

    def make(self):
        self.semaphore = os.eventfd(3, os.EFD_SEMAPHORE)


class PacketPipe:
    words = "is a pipe of packets"

    def make(self):
        self.ends = os.pipe2(os.O_DIRECT)


class PosixQueue:
    words = "is a POSIX message queue"

    def make(self):
        self.queue = call("mq_open", b"/object", os.O_CREAT | os.O_RDWR, 0o600, None)
        call("mq_send", self.queue, b"message", 7, 3)


class SystemVMemory:
    words = "is System V shared memory"

    def make(self):
        self.address = call("shmat", call("shmget", 0, PAGE, 0o1600), None, 0)


class SystemVSemaphores:
    words = "is a System V semaphore set"
    SETVAL = 16

    def make(self):
        self.set = call("semget", 0, 2, 0o1600)
        call("semctl", self.set, 1, self.SETVAL, 7)


class SystemVQueue:
    words = "is a System V message queue"

    def make(self):
        self.queue = call("msgget", 0, 0o1600)
        call("msgsnd", self.queue, struct.pack("q7s", 1, b"message"), 7, 0)


class NamedMemory:
    """shm_open(3)"""

    words = "lies on a file system in memory"

    def make(self):
        self.file = os.open("/dev/shm/object", os.O_CREAT | os.O_RDWR)


class LargeUnlinked:
    words = "no name any more and more than 1 MiB"

    def make(self):
        self.file = os.open(".", os.O_TMPFILE | os.O_RDWR)
        os.write(self.file, bytes(4 << 20))


class OtherName:
    words = "while another name is left"

    def make(self):
        self.file = os.open("one-name", os.O_CREAT | os.O_RDWR)
        os.rename("one-name", "other-name")
        os.link("other-name", "one-name.spare")


class LoneTerminal:
    words = "is a terminal that does not come back"

    def make(self):
        master, self.slave = os.openpty()
        os.close(master)


# ---- what is kept but for a detail, which is told ----


class WallTimer:
    """set to a time of day, which passes during the outage: CRIU sets it to what was left"""

    words = "is set to a time of day"

    def make(self):
        self.timer = os.timerfd_create(time.CLOCK_REALTIME)
        os.timerfd_settime(self.timer, flags=os.TFD_TIMER_ABSTIME, initial=time.time() + 100_000)


class PeriodicTimer:
    """CRIU forgets to start it again where an expiration lay unread, as it does after a while in the freezer"""

    words = "fires periodically"

    def make(self):
        self.timer = os.timerfd_create(time.CLOCK_MONOTONIC)
        os.timerfd_settime(self.timer, initial=1, interval=1)


class Affinity:
    words = "processors of its own choice"

    def make(self):
        os.sched_setaffinity(0, {0})


class InputOutputPriority:
    words = "has an I/O priority of its own"
    SYS_IOPRIO_SET, WHO_PROCESS, BEST_EFFORT = 251, 1, 2

    def make(self):
        call("syscall", self.SYS_IOPRIO_SET, self.WHO_PROCESS, 0, self.BEST_EFFORT << 13 | 6)


class TimerSlack:
    words = "has a timer slack of its own"
    PR_SET_TIMERSLACK = 29

    def make(self):
        call("prctl", self.PR_SET_TIMERSLACK, ctypes.c_ulong(12_345_678), 0, 0, 0)


KEPT = {
    "channels": [Pipe, Fifo, SocketPairs, InFlight, UnixListener, UnixDatagrams],
    "files": [Offsets, Unlinked, Locks, MappedFile],
    "events": [EventFd, Epoll, SignalFd, Inotify, PidFd],
    "memory": [Mappings, SharedMemory, MemoryFile],
    "huge-pages": [HugePages],
    "timers": [Clocks, Alarm, TimerFds, PosixTimers],
    "process": [Children, Scheduling, Limits, Attributes],
    "terminals": [Pty, Session],
    "sockets": [TcpOptions, Tcp, Udp],
}

SPOKEN_OF = {
    "refused": [Semaphore, PacketPipe, PosixQueue, SystemVMemory, SystemVSemaphores, SystemVQueue, NamedMemory, LargeUnlinked, OtherName, LoneTerminal],
    "warned": [WallTimer, PeriodicTimer, Affinity, InputOutputPriority, TimerSlack],
}


def enter(directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    os.chdir(directory)


def make(group):
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    things = [kind() for kind in (KEPT | SPOKEN_OF)[group]]
    for thing in things:
        thing.make()
    return things


def failures(things):
    for thing in things:
        try:
            thing.check()
        except Exception as error:
            yield f"{type(thing).__name__}: {error or type(error).__name__}"


def verdict(things):
    found = list(failures(things))
    return f"failed: {'; '.join(found)}" if found else "ok"


def say(group, words):
    with tempfile.NamedTemporaryFile("w", dir=VERDICTS, prefix=f".{group}.", delete=False) as file:
        file.write(words + "\n")
        os.fsync(file.fileno())
    os.rename(file.name, f"{VERDICTS}/{group}")


def notify(words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.sendto(words, os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))


def serve(group):
    enter(f"{VERDICTS}/{group}.d")
    things = make(group)
    for _ in range(2 if group in KEPT else 0):
        if (found := verdict(things)) != "ok":
            sys.exit(f"{group}: before anything happened: {found}")
    notify(b"READY=1")
    while True:
        signal.sigwait({ASK})
        say(group, verdict(things))


def without(group):
    """Each check in a process that knows what must be there, and where it is not."""
    enter(tempfile.mkdtemp())
    made, give = os.pipe()
    maker = os.fork()
    if maker == 0:
        os.close(made)
        with os.fdopen(give, "wb") as file:
            pickle.dump(make(group), file)
        os._exit(0)
    os.close(give)
    with os.fdopen(made, "rb") as file:
        things = pickle.load(file)
    os.waitpid(maker, 0)
    # As after a boot, for the processes that check.
    os.unshare(os.CLONE_NEWTIME)
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as offsets:
        offsets.write(f"monotonic -{time.monotonic():.0f} 0")
    unnoticed = [type(thing).__name__ for thing in things if not is_noticed(thing)]
    print(f"{group}: {len(things)} objects", f"not missed: {', '.join(unnoticed)}" if unnoticed else "each is missed")
    return 1 if unnoticed else 0


def is_noticed(thing):
    """By an answer, or by a crash: an address may lead nowhere. What waits for ever has noticed, too."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(2 * int(LATE))
        os._exit(any(failures([thing])))
    return os.waitpid(pid, 0)[1] != 0


def main():
    match sys.argv[1:]:
        case ["--kept"]:
            print("\n".join(KEPT))
        case ["--spoken-of"]:
            print("\n".join(f"{group}\t{kind.__name__}\t{kind.words}" for group, kinds in SPOKEN_OF.items() for kind in kinds))
        case ["--without", group]:
            sys.exit(without(group))
        case [group]:
            serve(group)
        case _:
            sys.exit(__doc__)


main()
