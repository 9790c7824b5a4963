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


class WipedMemory:
    """by CRIU before 4.2"""

    words = "has memory that its children are to find empty"
    WIPEONFORK = 18

    def make(self):
        address = call("mmap", None, PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        call("madvise", address, PAGE, self.WIPEONFORK)


ALL = [WipedMemory, WallTimer]
