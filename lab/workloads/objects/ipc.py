"""System V objects, which belong to nobody: they come back in an IPC namespace of the service's own."""

import ctypes
import os
import struct

from frame import call, PAGE, same

IPC_CREAT, IPC_NOWAIT, GETALL, SETALL = 0o1000, 0o4000, 13, 17


def made(get, key, *sizes):
    """Anew: that of an earlier start is still there."""
    try:
        call(get.replace("get", "ctl"), call(get, key, *(0 for _ in sizes), 0), 0, 0, 0)
    except FileNotFoundError:
        pass
    return call(get, key, *sizes, IPC_CREAT | 0o600)


class SystemVMemory:
    """a segment that is attached, one that nobody has attached, both found by their keys"""

    KEYS = 0x6F626A01, 0x6F626A02

    def make(self):
        self.segments = [made("shmget", key, 3 * PAGE) for key in self.KEYS]
        self.texts = [os.urandom(3 * PAGE) for _ in self.segments]
        self.addresses = [call("shmat", each, None, 0) for each in self.segments]
        for address, text in zip(self.addresses, self.texts):
            ctypes.memmove(address, text, len(text))
        call("shmdt", ctypes.c_void_p(self.addresses.pop()))

    def check(self):
        same("numbers", [call("shmget", key, 0, 0) for key in self.KEYS], self.segments)
        same("attached", ctypes.string_at(self.addresses[0], 3 * PAGE), self.texts[0])
        for segment, text in zip(self.segments, self.texts):
            address = call("shmat", segment, None, 0)
            same("content", ctypes.string_at(address, 3 * PAGE), text)
            call("shmdt", ctypes.c_void_p(address))


class SystemVSemaphores:
    """a set of three, found by its key"""

    KEY = 0x6F626A03
    VALUES = 3, 0, 7

    def make(self):
        self.set = made("semget", self.KEY, len(self.VALUES))
        self.put()

    def put(self):
        call("semctl", self.set, 0, SETALL, struct.pack("3H", *self.VALUES))

    def check(self):
        same("number", call("semget", self.KEY, 0, 0), self.set)
        values = ctypes.create_string_buffer(6)
        call("semctl", self.set, 0, GETALL, values)
        same("values", struct.unpack("3H", values.raw), self.VALUES)
        # struct sembuf: take one of the first.
        call("semop", self.set, struct.pack("Hhh", 0, -1, IPC_NOWAIT), 1)
        self.put()


class SystemVQueue:
    """messages that nobody has received, each with its type"""

    KEY = 0x6F626A04
    MESSAGES = (1, b"one"), (3, b"three")

    def make(self):
        self.queue = made("msgget", self.KEY)
        self.send()

    def send(self):
        for kind, text in self.MESSAGES:
            call("msgsnd", self.queue, struct.pack("q8s", kind, text), len(text), IPC_NOWAIT)

    def receive(self):
        message = ctypes.create_string_buffer(64)
        length = call("msgrcv", self.queue, message, ctypes.c_size_t(32), ctypes.c_long(0), IPC_NOWAIT)
        return struct.unpack_from("q", message)[0], message.raw[8 : 8 + length]

    def check(self):
        same("number", call("msgget", self.KEY, 0), self.queue)
        same("messages", tuple(self.receive() for _ in self.MESSAGES), self.MESSAGES)
        self.send()
