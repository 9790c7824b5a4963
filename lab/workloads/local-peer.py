#!/usr/bin/python3
"""A client on the same host.

keeps:     TCP connections to sockets.py (127.0.0.1 and ::1), a bound unix datagram socket that asks it, and a TCP connection
           to a process that is not kept, from which it only reads
usage:     local-peer.py FILE DIRECTORY PORT
ready:     FILE begins with "start"
good:      FILE has lines "answers COUNT" every 100 ms and no line "FAIL ..."; "stranger: WORDS" once that connection has ended
"""

import os
import socket
import sys
import threading
import time

DATAGRAMS = "/run/sockets/datagrams"

path, directory, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
file = open(path, "a", buffering=1, encoding="ascii")


def say(line):
    file.write(line + "\n")


def wait_for_the_end(stranger):
    try:
        while stranger.recv(4096):
            pass
        say("stranger: end")
    except OSError as error:
        say(f"stranger: {error.strerror}")


def ask(number, stream):
    stream.write(f"{number}\n".encode())
    stream.flush()
    answer = stream.readline().decode().split()
    if answer[:2] != [f"{number}", f"{number}"]:
        say(f"FAIL {number} was answered {answer}")


def ask_by_datagram(number, bound):
    try:
        bound.sendto(f"{number}".encode(), DATAGRAMS)
    except (FileNotFoundError, ConnectionRefusedError):
        return  # it is not there yet
    if bound.recv(100) != f"{number}".encode():
        say(f"FAIL datagram {number}")


streams = [socket.create_connection((address, 7000)).makefile("rwb") for address in ("127.0.0.1", "::1")]
bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
bound.bind(os.path.join(directory, "datagrams"))
threading.Thread(target=wait_for_the_end, args=[socket.create_connection(("127.0.0.1", port))], daemon=True).start()
say("start")
count = 0
while True:
    count += 1
    for stream in streams:
        ask(count, stream)
    ask_by_datagram(count, bound)
    say(f"answers {count}")
    time.sleep(0.1)
