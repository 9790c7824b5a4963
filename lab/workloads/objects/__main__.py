#!/usr/bin/python3
"""Kernel objects that verify themselves: each is made, and looked at again when somebody asks.

usage:     objects GROUP             makes the objects of a group (KEPT, SPOKEN_OF), as object@GROUP.service
           objects --kept            the groups that are kept, one a line
           objects --spoken-of       "GROUP<tab>KIND<tab>WORDS": what nvwa check must say of the others, one a line
           objects --without GROUP   shows that the checks can fail: each is run in a process that never made its object
ready:     READY=1 to systemd, after the objects were made and checked twice
asks:      SIGUSR1 to the main process; the verdict is in /var/lib/objects/GROUP: "ok", or "failed: KIND: what; ..."
endures:   any number of updates and questions: a check leaves its object as it found it. Monotonic time does not count a
           pause, timers may be late by as long as dump and restore take, and the wall clock goes on.

An object is a class: make() makes it and leaves plain values in self (numbers of descriptors, addresses, what must be found),
check() raises where something is missing. Names of files are relative to a directory of the group's own. What is not kept is
only made, and has the words by which nvwa check speaks of it.
"""

import os
import pickle
import shutil
import signal
import socket
import sys
import tempfile
import time

import refused
import warned
from channels import Pipe, Fifo, SocketPairs, InFlight, UnixListener, UnixDatagrams
from events import EventFd, Epoll, SignalFd, Inotify, PidFd
from files import Offsets, Unlinked, Volatile, Locks, MappedFile
from frame import ASK, BLOCKED, LATE
from ipc import SystemVMemory, SystemVSemaphores, SystemVQueue
from memory import Mappings, SharedMemory, MemoryFile, NamedMemory, HugePages
from processes import Limits, Scheduling, OfThreads, Attributes, Children
from sockets import TcpOptions, Tcp, Udp
from terminals import Pty, HungUp, Session
from timers import Clocks, Alarm, TimerFds, Ticks, PosixTimers

VERDICTS = "/var/lib/objects"

KEPT = {
    "files": [Pipe, Fifo, SocketPairs, InFlight, UnixListener, UnixDatagrams, Offsets, Unlinked, Volatile, Locks, MappedFile],
    "events": [EventFd, Epoll, SignalFd, Inotify, PidFd, Clocks, Alarm, TimerFds, Ticks, PosixTimers],
    "memory": [Mappings, SharedMemory, MemoryFile, NamedMemory, HugePages],
    "system-v": [SystemVMemory, SystemVSemaphores, SystemVQueue],
    "process": [Children, Scheduling, OfThreads, Limits, Attributes],
    "terminals": [Pty, HungUp, Session],
    "sockets": [TcpOptions, Tcp, Udp],
}

SPOKEN_OF = {
    "refused": refused.ALL,
    "warned": warned.ALL,
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
    print(words, flush=True)


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
        # It lets other signals be handled meanwhile, which sigwait does not.
        signal.sigwaitinfo({ASK})
        say(group, verdict(things))


def without(group):
    """Each check in a process that knows what must be there, and where it is not."""
    enter(tempfile.mkdtemp())
    made, give = os.pipe()
    maker = os.fork()
    if maker == 0:
        os.close(made)
        # What belongs to nobody would outlive its maker.
        os.unshare(os.CLONE_NEWIPC)
        with os.fdopen(give, "wb") as file:
            pickle.dump(make(group), file)
        os._exit(0)
    os.close(give)
    with os.fdopen(made, "rb") as file:
        things = pickle.load(file)
    os.waitpid(maker, 0)
    # As after a boot, for the processes that check.
    os.unshare(os.CLONE_NEWTIME | os.CLONE_NEWIPC)
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as offsets:
        offsets.write(f"monotonic -{int(time.monotonic())} 0")
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
