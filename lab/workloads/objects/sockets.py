"""Internet sockets; all of them on the loopback interface."""

import os
import socket

from frame import PAGE, same


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
