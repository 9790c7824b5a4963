#!/usr/bin/python3
"""A server of many threads, each with a counter of its own.

usage:  threads.py PORT THREADS
asks:   a line with a number is answered by that thread "NUMBER TID COUNT": which it is to the kernel, and how often it was
        asked; they count from 0, and the main thread, which listens, has no number
"""

import queue
import socket
import sys
import threading

STACK = 128 << 10


def answer(number, questions, answers):
    count = 0
    while True:
        questions.get()
        count += 1
        answers.put(f"{number} {threading.get_native_id()} {count}\n")


def main():
    port, threads = int(sys.argv[1]), int(sys.argv[2])
    threading.stack_size(STACK)
    answers = queue.SimpleQueue()
    # The main thread is one of them.
    questions = [queue.SimpleQueue() for _ in range(threads - 1)]
    for number, own in enumerate(questions):
        threading.Thread(target=answer, args=(number, own, answers), daemon=True).start()
    with socket.create_server(("", port)) as server:
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile("rw", encoding="ascii") as lines:
                for line in lines:
                    questions[int(line)].put(None)
                    lines.write(answers.get())
                    lines.flush()


main()
