"""Pseudo terminals."""

import ctypes
import errno
import os
import select
import signal
import termios
import time
import tty

from frame import call, Lost, PAGE, same


class Pty:
    """a pseudo terminal: settings, size, what nobody has read yet"""

    def make(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        setting = termios.tcgetattr(self.slave)
        setting[3] |= termios.ECHONL
        setting[6][termios.VINTR] = b"\x07"
        termios.tcsetattr(self.slave, termios.TCSANOW, setting)
        termios.tcsetwinsize(self.slave, (33, 77))
        self.shown = self.show()
        os.write(self.master, b"unread")

    def show(self):
        return os.ttyname(self.slave), termios.tcgetattr(self.slave), termios.tcgetwinsize(self.master)

    def check(self):
        same("terminal", self.show(), self.shown)
        same("content", os.read(self.slave, PAGE), b"unread")
        for one, other in ((self.master, self.slave), (self.slave, self.master)):
            os.write(one, b"through")
            same("what comes through", os.read(other, PAGE), b"through")
        os.write(self.master, b"unread")


class HungUp:
    """a terminal whose other end was closed, as a session leaves it"""

    MAJOR = 136

    def make(self):
        master, self.slave = os.openpty()
        os.close(master)

    def check(self):
        same("terminal", os.fstat(self.slave).st_rdev >> 8, self.MAJOR)
        same("end of it", os.read(self.slave, PAGE), b"")
        try:
            os.write(self.slave, b"nobody hears it")
            raise Lost("it could be written to")
        except OSError as error:
            same("answer", error.errno, errno.EIO)


class Session:
    """a session with a controlling terminal and a job in the foreground, as under tmux"""

    def make(self):
        self.leader, self.master = os.forkpty()
        if self.leader == 0:
            self.lead()
        self.hear(b"ready")

    @staticmethod
    def lead():
        """A shell that runs a job in the foreground; the other objects are none of its business."""
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

    def hear(self, words):
        said = b""
        while words not in said:
            if not select.select([self.master], [], [], 10)[0]:
                raise Lost(f"the terminal does not say {words}, but {said}")
            said += os.read(self.master, PAGE)

    def check(self):
        termios.tcflush(self.master, termios.TCIOFLUSH)
        with open(f"/proc/{self.leader}/stat", encoding="ascii") as file:
            parent, group, session, terminal, foreground = map(int, file.read().rsplit(")", 1)[1].split()[1:6])
        same("leader", (parent, group, session), (os.getpid(), self.leader, self.leader))
        same("has a terminal", terminal > 0, True)
        same("its foreground", foreground, os.tcgetpgrp(self.master))
        same("is a job", foreground != self.leader, True)
        os.write(self.master, b"question\n")
        self.hear(b"answer to question")
        # The first one may come just before the job begins to read: Python then has it, and does not look before the next.
        for _ in range(2):
            os.write(self.master, b"\x03")
            time.sleep(1)
        try:
            self.hear(b"interrupted")
        except Lost as lost:
            with open(f"/proc/{foreground}/status", encoding="ascii") as file:
                raise Lost(f"{lost}; of the job {[line for line in file.read().splitlines() if line.startswith(('State', 'Sig', 'ShdPnd'))]}") from lost
