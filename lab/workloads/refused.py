#!/usr/bin/python3
"""A workload that CRIU refuses to dump.

keeps:     from when an update has begun, and its check is over, an open file of 4 MiB that has no name any more (CRIU saves
           those up to --ghost-limit, 1 MiB)
usage:     refused.py FILE
ready:     FILE begins with "start PID"
good:      FILE has lines "tick COUNT" every 100 ms
"""

import os
import sys
import tempfile
import time

SIZE = 4 << 20
JOURNAL = "/var/lib/nvwa/journal"  # there while an update is open

nameless = None
with open(sys.argv[1], "a", buffering=1, encoding="ascii") as file:
    file.write(f"start {os.getpid()}\n")
    count = 0
    while True:
        time.sleep(0.1)
        if nameless is None and os.path.exists(JOURNAL):
            nameless = tempfile.TemporaryFile(dir="/var/tmp")
            nameless.write(b"x" * SIZE)
            nameless.flush()
        count += 1
        file.write(f"tick {count}\n")
