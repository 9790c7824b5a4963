#!/usr/bin/env python3
"""Says one command to a QEMU and prints its answer: qmp.py SOCKET COMMAND"""

import json
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
connection.connect(sys.argv[1])
lines = connection.makefile("rw")
lines.readline()
for command in ("qmp_capabilities", sys.argv[2]):
    lines.write(json.dumps({"execute": command, "id": command}) + "\n")
    lines.flush()
    answer = {}
    # Events come in between.
    while answer.get("id") != command:
        answer = json.loads(lines.readline())
print(json.dumps(answer.get("return", answer)))
sys.exit("error" in answer)
