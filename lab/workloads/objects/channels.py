"""What two ends talk through."""

import fcntl
import os
import socket

from frame import flags, PAGE, same


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
