"""What lies on a disk."""

import ctypes
import errno
import fcntl
import mmap
import os
import re
import struct

from frame import call, flags, Lost, own, PAGE, same


class Offsets:
    """an offset that two descriptors share, O_APPEND, and a directory"""

    def make(self):
        self.file = os.open("offsets", os.O_CREAT | os.O_RDWR)
        os.write(self.file, b"0123456789")
        os.lseek(self.file, 4, os.SEEK_SET)
        self.copy = os.dup(self.file)
        self.log = os.open("offsets", os.O_WRONLY | os.O_APPEND)
        self.directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self.flags = flags(self.log)

    def check(self):
        same("offset", os.lseek(self.file, 0, os.SEEK_CUR), 4)
        os.lseek(self.copy, 8, os.SEEK_SET)
        same("offset of the other", os.lseek(self.file, -4, os.SEEK_CUR), 4)
        same("flags", flags(self.log), self.flags)
        os.write(self.log, b"x")
        same("content", os.pread(self.file, PAGE, 0), b"0123456789x")
        os.ftruncate(self.file, 10)
        same("directory", "offsets" in os.listdir(self.directory), True)


class Unlinked:
    """open files without a name: one whose name was removed, one that never had any"""

    def make(self):
        self.removed = os.open("unlinked", os.O_CREAT | os.O_RDWR)
        os.unlink("unlinked")
        self.nameless = os.open(".", os.O_TMPFILE | os.O_RDWR)
        self.text = os.urandom(100_000)
        for file in (self.removed, self.nameless):
            os.write(file, self.text)
            os.lseek(file, 77, os.SEEK_SET)

    def check(self):
        for file in (self.removed, self.nameless):
            same("names", os.fstat(file).st_nlink, 0)
            same("offset", os.lseek(file, 0, os.SEEK_CUR), 77)
            same("content", os.pread(file, len(self.text) + 1, 0), self.text)
        same("name", os.path.exists("unlinked"), False)


class Volatile:
    """a file and a named pipe in /run, open"""

    DIRECTORY = "/run/objects"

    def make(self):
        os.makedirs(self.DIRECTORY, exist_ok=True)
        for name in os.listdir(self.DIRECTORY):
            os.unlink(f"{self.DIRECTORY}/{name}")
        self.file = os.open(f"{self.DIRECTORY}/file", os.O_CREAT | os.O_RDWR)
        os.write(self.file, b"content")
        os.lseek(self.file, 3, os.SEEK_SET)
        os.mkfifo(f"{self.DIRECTORY}/fifo")
        self.fifo = os.open(f"{self.DIRECTORY}/fifo", os.O_RDWR)
        os.write(self.fifo, b"fifo")

    def check(self):
        same("rest of the file", os.read(self.file, PAGE), b"tent")
        os.lseek(self.file, 3, os.SEEK_SET)
        with open(f"{self.DIRECTORY}/file", "rb") as other:
            same("file by its name", other.read(), b"content")
        same("pipe", os.read(self.fifo, PAGE), b"fifo")
        with open(f"{self.DIRECTORY}/fifo", "wb", buffering=0) as other:
            other.write(b"fifo")


class Locks:
    """a lock of each kind: of the process, of the open file, flock(2), and a lease"""

    TAKEN = (errno.EAGAIN, errno.EACCES)
    F_OFD_SETLK = 37

    def make(self):
        self.process = os.open("process.lock", os.O_CREAT | os.O_RDWR)
        fcntl.lockf(self.process, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)
        self.open_file = os.open("open-file.lock", os.O_CREAT | os.O_RDWR)
        fcntl.fcntl(self.open_file, self.F_OFD_SETLK, self.whole())
        self.flock = os.open("flock.lock", os.O_CREAT | os.O_RDWR)
        fcntl.flock(self.flock, fcntl.LOCK_EX)
        os.close(os.open("lease", os.O_CREAT))
        self.lease = os.open("lease", os.O_RDONLY)
        fcntl.fcntl(self.lease, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        self.shown = self.show()

    @staticmethod
    def whole():
        return struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)

    def show(self):
        """The kernel's own lines, without the number and the inode's device."""
        found = [re.findall(r"^lock:\s+\S+ +(.*)", own(f"fdinfo/{each}"), re.M) for each in (self.process, self.open_file, self.flock, self.lease)]
        return [re.sub(r"[0-9a-f]+:[0-9a-f]+:", "", line) for lines in found for line in lines]

    def refused(self, name, lock):
        file = os.open(name, os.O_RDWR)
        try:
            lock(file)
            raise Lost(f"{name} could be locked again")
        except OSError as error:
            same(f"answer for {name}", error.errno in self.TAKEN, True)
        finally:
            os.close(file)

    def check(self):
        same("locks", self.show(), self.shown)
        same("lease", fcntl.fcntl(self.lease, fcntl.F_GETLEASE), fcntl.F_RDLCK)
        self.refused("open-file.lock", lambda file: fcntl.fcntl(file, self.F_OFD_SETLK, self.whole()))
        self.refused("flock.lock", lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
        # Through another open file of this process, as closing one would give up the process's own lock.
        pid = os.fork()
        if pid == 0:
            try:
                self.refused("process.lock", lambda file: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20))
                os._exit(0)
            finally:
                os._exit(1)
        same("another process locks", os.waitpid(pid, 0)[1], 0)


class MappedFile:
    """a file that is mapped and closed: what is written into memory is in the file"""

    def make(self):
        file = os.open("mapped", os.O_CREAT | os.O_RDWR)
        os.ftruncate(file, 4 * PAGE)
        self.address = call("mmap", None, 4 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file, 0)
        os.close(file)
        self.write(os.urandom(16))

    def write(self, text):
        self.text = text
        ctypes.memmove(self.address + PAGE, text, len(text))

    def check(self):
        same("memory", ctypes.string_at(self.address + PAGE, 16), self.text)
        self.write(os.urandom(16))
        with open("mapped", "rb") as file:
            file.seek(PAGE)
            same("file", file.read(16), self.text)
