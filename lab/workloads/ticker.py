#!/usr/bin/python3
"""A workload that verifies itself.

keeps:     two threads, an open append file, a listening TCP socket and its connections, CLOCK_MONOTONIC, its own counters
usage:     ticker.py FILE PORT
ready:     FILE begins with "start"
good:      FILE has lines "tick COUNT MONOTONIC WALL" every 100 ms and no line "FAIL ..."; the last one is recent
asks:      a line of text on PORT is answered "TEXT ANSWERS COUNT": the same text, the number of answers on this connection
           (from 1), the tick
endures:   any pause. Wall time may jump over it; monotonic time must not go back, must not count the pause of a kernel
           change in (JUMP_LIMIT), and the counter in memory must go on where the file ends.
"""

import os
import socket
import socketserver
import sys
import threading
import time

INTERVAL = 0.1
# An emulated machine that is busy may hold a thread up for long. Time in the freezer counts, on both sides of a kernel
# change too; the change itself takes longer.
JUMP_LIMIT = 20.0
SHORTEST_CHANGE = 1.0


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read()


class Ticker:
    def __init__(self, path):
        self.file = open(path, "a", buffering=1, encoding="ascii")
        self.path = path
        self.pid = os.getpid()
        self.count = 0
        self.boot = boot_id()
        self.say(f"start {self.pid}")

    def say(self, line):
        self.file.write(line + "\n")

    def fail(self, what):
        self.say(f"FAIL tick {self.count}: {what}")

    def last_count_in_file(self):
        with open(self.path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            ticks = [line for line in file.read().split(b"\n")[:-1] if line.startswith(b"tick ")]
        return int(ticks[-1].split()[1]) if ticks else 0

    def check(self, before, now, wall):
        if now < before:
            self.fail(f"monotonic time went back from {before:.3f} to {now:.3f}")
        if wall > SHORTEST_CHANGE:
            boot, self.boot = self.boot, boot_id()
            if boot != self.boot and now - before > JUMP_LIMIT:
                self.fail(f"monotonic time jumped from {before:.3f} to {now:.3f}")
        if self.count != self.last_count_in_file():
            self.fail(f"memory says {self.count}, the file {self.last_count_in_file()}")
        if os.getpid() != self.pid:
            self.fail(f"PID {self.pid} became {os.getpid()}")

    def run(self):
        before, wall_before = time.monotonic(), time.time()
        while True:
            time.sleep(INTERVAL)
            now, wall = time.monotonic(), time.time()
            self.check(before, now, wall - wall_before)
            self.count += 1
            self.say(f"tick {self.count} {now:.6f} {wall:.6f}")
            before, wall_before = now, wall


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for answers, line in enumerate(self.rfile, start=1):
            text = line.rstrip(b"\r\n").decode("ascii", "replace")
            self.wfile.write(f"{text} {answers} {self.server.ticker.count}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    with Server(("::", port), Echo) as server:
        server.ticker = Ticker(path)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.ticker.run()


main()
