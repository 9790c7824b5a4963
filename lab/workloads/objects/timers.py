"""Clocks and timers: by the monotonic clock there was no pause."""

import ctypes
import os
import select
import signal
import struct
import time

from frame import call, EARLY, LATE, same, signal_descriptor, SWITCH, within


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
        same("interval", signal.getitimer(signal.ITIMER_REAL)[1], self.INTERVAL)
        before, deadline = self.count, time.monotonic() + LATE
        while self.count == before and time.monotonic() < deadline:
            time.sleep(self.INTERVAL)
        passed = time.monotonic() - self.begun
        within("time by the signals", self.count * self.INTERVAL, passed - LATE, passed + EARLY)
        same("still coming", self.count > before, True)
        within("processor time left", signal.getitimer(signal.ITIMER_VIRTUAL)[0], 90_000, 100_001)
        self.begin()


class TimerFds:
    """timers that fire once, on each clock that stands still, after a while and at a time; and ones that have fired"""

    CLOCKS = time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME
    FAR = 100_000

    def make(self):
        self.after, self.at = ([os.timerfd_create(clock) for clock in self.CLOCKS] for _ in range(2))
        self.fired, self.passed = (os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK) for _ in range(2))
        os.timerfd_settime(self.passed, flags=os.TFD_TIMER_ABSTIME, initial=time.monotonic() + 0.001)
        select.select([self.passed], [], [])
        os.read(self.passed, 8)
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
        same("what had fired fires again", bool(select.select([self.passed], [], [], 1.5)[0]), False)
        self.set()


class Ticks:
    """timerfds that fire each second, unread for long or not: the kernel counts what was not read when it is read, so that of
    what lay unread at a dump one period is left"""

    def make(self):
        self.timers = [os.timerfd_create(clock) for clock in TimerFds.CLOCKS]
        for each in self.timers:
            os.timerfd_settime(each, initial=1, interval=1)
        self.begun, self.counts = time.monotonic(), [0] * len(self.timers)

    def check(self):
        # What came meanwhile, and one more.
        for each, timer in enumerate(self.timers * 2):
            same("still firing", bool(select.select([timer], [], [], LATE)[0]), True)
            self.counts[each % len(self.timers)] += struct.unpack("Q", os.read(timer, 8))[0]
        passed = time.monotonic() - self.begun
        for count in self.counts:
            within("seconds by the timer", count, 2, passed + EARLY)
        self.begun, self.counts = time.monotonic(), [0] * len(self.timers)


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
