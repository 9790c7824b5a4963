"""What the objects are made and checked with."""

import ctypes
import fcntl
import mmap
import os
import signal

ASK = signal.SIGUSR1
# By all threads, so that they stay pending until somebody reads them.
BLOCKED = {ASK, signal.SIGWINCH, signal.SIGRTMIN + 3, signal.SIGRTMIN + 5}
PAGE = mmap.PAGESIZE

# Timers stand still while they are dumped and restored, the clock does not: what that may take on a busy emulated machine.
LATE = float(os.environ.get("LATE", 60))
# CRIU sets timers that wait for a time of the clock by whole seconds.
EARLY = 1.5
# No kernel comes up faster on such a machine.
SWITCH = 5.0

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mlock.argtypes = libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.madvise.argtypes = libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


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
