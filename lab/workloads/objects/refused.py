"""What nvwa check refuses, each with the words that it must say."""

import os

from frame import call


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


class LargeUnlinked:
    words = "no name any more and more than 1 MiB"

    def make(self):
        self.file = os.open(".", os.O_TMPFILE | os.O_RDWR)
        os.write(self.file, bytes(4 << 20))


class OtherName:
    words = "while another name is left"

    def make(self):
        self.file = os.open("one-name", os.O_CREAT | os.O_RDWR)
        os.link("one-name", "other-name")
        os.unlink("one-name")


ALL = [Semaphore, PacketPipe, PosixQueue, LargeUnlinked, OtherName]
