"""What is kept but for a detail, each with the words by which nvwa check warns of it."""

import ctypes
import mmap
import os
import time

from frame import call, PAGE


class WallTimer:
    """set to a time of day, which passes during the outage: CRIU sets it to what was left"""

    words = "is set to a time of day"

    def make(self):
        self.timer = os.timerfd_create(time.CLOCK_REALTIME)
        os.timerfd_settime(self.timer, flags=os.TFD_TIMER_ABSTIME, initial=time.time() + 100_000)


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


class WipedMemory:
    """by CRIU before 4.2"""

    words = "has memory that its children are to find empty"
    WIPEONFORK = 18

    def make(self):
        address = call("mmap", None, PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        call("madvise", address, PAGE, self.WIPEONFORK)


ALL = [WipedMemory, WallTimer, Affinity, InputOutputPriority, TimerSlack]
