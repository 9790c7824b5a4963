#!/usr/bin/python3
"""A server with state in memory; lab/Nvwa.Lab.Ledger and Ledger.java are the same in other languages.

usage:  ledger.py PORT
asks:   a line "put KEY VALUE" is answered "COUNT DIGEST": how many there were, and a digest over all of them in their order
        a line "get KEY" is answered with the value put last
"""

import asyncio
import hashlib
import sys


class Ledger:
    def __init__(self):
        self.count = 0
        self.digest = ""
        self.values = {}

    def answer(self, line):
        verb, key, *value = line.split(" ")
        if verb == "put":
            self.values[key] = value[0]
            self.count += 1
            self.digest = hashlib.sha256(f"{self.digest}{key} {value[0]}".encode()).hexdigest()
            return f"{self.count} {self.digest}"
        return self.values[key]

    async def serve(self, reader, writer):
        while line := await reader.readline():
            writer.write(f"{self.answer(line.decode().rstrip('\n'))}\n".encode())
            await writer.drain()


async def main():
    server = await asyncio.start_server(Ledger().serve, "0.0.0.0", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
