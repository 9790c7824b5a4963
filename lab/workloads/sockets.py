#!/usr/bin/python3
"""A workload of sockets, with clients outside that know what must come.

keeps:     TCP over IPv4 and IPv6, by the thousand, half-closed, full in both directions, and not yet accepted; UDP, also
           connected; multicast memberships; unix datagram sockets; options of sockets
usage:     sockets.py DIRECTORY
ready:     DIRECTORY/datagrams is there
good:      answers as below

TCP 7000   a line comes back with its number on this connection and a clock: "NUMBER COUNT CLOCK"
TCP 7001   sends the pattern and reads nothing before that; reads it; says "DIGEST" of what it read, and closes
TCP 7002   after "go": reads to the end, and only then answers: "DIGEST"
TCP 7003   sends the pattern, closes its direction, and reads to the end: "heard" tells how often, and the digests
TCP 7004   as 7000, but accepts one connection in half a second
UDP 7000   "count", "go", "heard", "options" (which changed since they were set), "pair" (a line that waits in a socket pair),
           "log WORD" (to /dev/log), "connect ADDRESS PORT"
UDP 7005   echoes, to that peer only
UDP 7006   echoes what comes to the groups 239.66.0.1 and ff15::66
"""

import hashlib
import os
import selectors
import socket
import struct
import sys
import threading
import time

LENGTH = 1 << 20
BUFFER = 128 << 10
GROUPS = "239.66.0.1", "ff15::66"
PATTERN = (bytes(range(251)) * (LENGTH // 251 + 1))[:LENGTH]

go = threading.Event()
heard = []
count = 0
loop = selectors.DefaultSelector()
counts = {}


def listen(port, backlog=2048):
    for family, address in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(backlog)
        yield listener


def datagrams(family, address, port):
    bound = socket.socket(family, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind((address, port))
    return bound


def start(run, *arguments):
    threading.Thread(target=run, args=arguments, daemon=True).start()


# One of the thousand.
def answer(connection):
    lines = connection.recv(4096)
    if not lines:
        loop.unregister(connection)
        connection.close()
        return
    for line in lines.decode().splitlines():
        counts[connection] = counts.get(connection, 0) + 1
        connection.sendall(f"{line} {counts[connection]} {time.monotonic_ns() // 1000}\n".encode())


def accept(listener):
    connection, _ = listener.accept()
    loop.register(connection, selectors.EVENT_READ, answer)


def accept_slowly(listener):
    while True:
        time.sleep(0.5)
        accept(listener)


def read_all(connection):
    digest = hashlib.sha256()
    while data := connection.recv(1 << 16):
        digest.update(data)
    return digest.hexdigest()


def full(connection):
    connection.sendall(PATTERN)
    connection.sendall(read_all(connection).encode())
    connection.close()


def last(connection):
    go.wait()
    connection.sendall(read_all(connection).encode())
    connection.close()


def first(connection):
    connection.sendall(PATTERN)
    connection.shutdown(socket.SHUT_WR)
    heard.append(read_all(connection))
    connection.close()


def serve(listener, run):
    # Small ones fill up, and stay so.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    while True:
        connection, _ = listener.accept()
        start(run, connection)


def echo(bound):
    data, peer = bound.recvfrom(4096)
    bound.sendto(data, peer)


def connected(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = datagrams(family, "", 7005)
    bound.connect((address, port))
    loop.register(bound, selectors.EVENT_READ, lambda _: bound.send(bound.recv(4096)))


def control(bound):
    global count
    data, peer = bound.recvfrom(4096)
    count += 1
    match data.decode().split():
        case ["count"]:
            reply = f"{count}"
        case ["go"]:
            go.set()
            go.clear()
            reply = "going"
        case ["heard"]:
            reply = f"{len(heard)} " + " ".join(set(heard))
        case ["options"]:
            reply = ", ".join(f"{name}: {value} became {read(s, *option)}" for s, name, option, value in OPTIONS if read(s, *option) != value) or "the same"
        case ["pair"]:
            reply = PAIR[1].recv(100).decode()
        case ["log", word]:
            LOG.send(f"<14>sockets.py: {word}".encode())
            reply = "logged"
        case ["connect", address, port]:
            connected(address, int(port))
            reply = "connected"
    bound.sendto(reply.encode(), peer)


def join(bound):
    interface = next(name for _, name in socket.if_nameindex() if name != "lo")
    index = socket.if_nametoindex(interface)
    if bound.family == socket.AF_INET:
        request = struct.pack("=4s4si", socket.inet_aton(GROUPS[0]), bytes(4), index)
        bound.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        request = socket.inet_pton(socket.AF_INET6, GROUPS[1]) + struct.pack("=i", index)
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    return bound


def read(s, level, option):
    return s.getsockopt(level, option, 64)


def options():
    tcp, tcp6 = (next(pair) for pair in (listen(7010), listen(7011)))
    tcp6 = list(listen(7012))[1]
    udp, udp6 = datagrams(socket.AF_INET, "0.0.0.0", 7013), datagrams(socket.AF_INET6, "::", 7013)
    wanted = {
        tcp: [
            (socket.SOL_SOCKET, "SO_KEEPALIVE", 1), (socket.IPPROTO_TCP, "TCP_NODELAY", 1), (socket.IPPROTO_TCP, "TCP_CORK", 1),
            (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 77), (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 7), (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
            (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 12345), (socket.IPPROTO_TCP, "TCP_DEFER_ACCEPT", 7),
            (socket.IPPROTO_TCP, "TCP_FASTOPEN", 5), (socket.IPPROTO_TCP, "TCP_SYNCNT", 3), (socket.IPPROTO_TCP, "TCP_LINGER2", 9),
            (socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", 4096), (socket.IPPROTO_IP, "IP_TOS", 16), (socket.IPPROTO_IP, "IP_TTL", 33), (socket.SOL_SOCKET, "SO_PRIORITY", 3), (socket.SOL_SOCKET, "SO_RCVLOWAT", 2),
        ],
        tcp6: [(socket.IPPROTO_IPV6, "IPV6_TCLASS", 16), (socket.IPPROTO_IPV6, "IPV6_UNICAST_HOPS", 33)],
        udp: [
            (socket.SOL_SOCKET, "SO_BROADCAST", 1), (socket.SOL_SOCKET, "SO_RCVBUF", 300000), (socket.IPPROTO_IP, "IP_MULTICAST_TTL", 5),
            (socket.IPPROTO_IP, "IP_MULTICAST_LOOP", 0), (socket.IPPROTO_IP, "IP_RECVTOS", 1), (socket.IPPROTO_IP, "IP_PKTINFO", 1),
            (socket.IPPROTO_IP, "IP_RECVERR", 1), (socket.IPPROTO_IP, "IP_MTU_DISCOVER", 2),
        ],
        udp6: [
            (socket.IPPROTO_IPV6, "IPV6_MULTICAST_HOPS", 5), (socket.IPPROTO_IPV6, "IPV6_MULTICAST_LOOP", 0),
            (socket.IPPROTO_IPV6, "IPV6_RECVPKTINFO", 1), (socket.IPPROTO_IPV6, "IPV6_RECVTCLASS", 1),
        ],
    }
    numbers = {"TCP_USER_TIMEOUT": 18, "TCP_NOTSENT_LOWAT": 25, "IP_RECVTOS": 13, "IP_PKTINFO": 8, "IP_RECVERR": 11, "IP_MTU_DISCOVER": 10}
    for s, values in wanted.items():
        for level, name, value in values:
            option = numbers.get(name) or getattr(socket, name)
            s.setsockopt(level, option, value)
            yield s, name, (level, option), read(s, level, option)


for listener in listen(7000):
    loop.register(listener, selectors.EVENT_READ, accept)
for port, run in (7001, full), (7002, last), (7003, first):
    for listener in listen(port):
        start(serve, listener, run)
for listener in listen(7004):
    start(accept_slowly, listener)
for family, address in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
    loop.register(datagrams(family, address, 7000), selectors.EVENT_READ, control)
    loop.register(join(datagrams(family, address, 7006)), selectors.EVENT_READ, echo)
OPTIONS = list(options())
PAIR = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for word in "waits", "here":
    PAIR[0].send(word.encode())
LOG = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
LOG.connect("/dev/log")
named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
named.bind(os.path.join(sys.argv[1], "datagrams"))
loop.register(named, selectors.EVENT_READ, echo)
while True:
    for key, _ in loop.select():
        key.data(key.fileobj)
