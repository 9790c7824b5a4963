"""What is mapped."""

import ctypes
import fcntl
import mmap
import os
import re

from frame import call, child, own, PAGE, same


class Mappings:
    """anonymous memory: protection, advice, locks, what is not there, and what it holds"""

    # MADV_WIPEONFORK is kept by CRIU 4.2 and later only, and warned of.
    ADVICE = {"hugepage": 14, "dontfork": 10, "dontdump": 16, "mergeable": 12}
    # Of proc_pid_smaps(5): to read, to write, locked, and those of the advice.
    FLAGS = {"rd", "wr", "lo", "hg", "dc", "dd", "mg"}

    def make(self):
        self.areas = {name: self.map() for name in ("plain", "read-only", "none", "locked", *self.ADVICE)}
        call("mprotect", self.areas["read-only"], 4 * PAGE, mmap.PROT_READ)
        call("mprotect", self.areas["none"], 4 * PAGE, 0)
        call("mlock", self.areas["locked"], 4 * PAGE)
        for name, advice in self.ADVICE.items():
            call("madvise", self.areas[name], 4 * PAGE, advice)
        self.shown = self.show()

    def map(self):
        """Four pages with a hole on either side, or the kernel would join neighbours."""
        hole = call("mmap", None, 6 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        address = hole + PAGE
        for beside in (hole, address + 4 * PAGE):
            call("munmap", beside, PAGE)
        ctypes.memmove(address, address.to_bytes(8), 8)
        return address

    def show(self):
        """Permissions and flags of each area."""
        found = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ (\S+)(?:.*\n(?!VmFlags))*?.*\nVmFlags: (.*)", own("smaps"), re.M)
        shown = {int(start, 16): (permissions, self.FLAGS & set(flags.split())) for start, permissions, flags in found}
        return {name: shown[address] for name, address in self.areas.items()}

    def check(self):
        for name, now in self.show().items():
            same(f"area {name}", now, self.shown[name])
        for name, address in self.areas.items():
            if name != "none":
                same(name, ctypes.string_at(address, 4 * PAGE), address.to_bytes(8).ljust(4 * PAGE, b"\0"))


class SharedMemory:
    """memory that two processes share, made by their ancestor"""

    def make(self):
        self.address = call("mmap", None, 4 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0)
        self.count = 0
        _, self.ask, self.answer = child(self.add)

    def value(self):
        return ctypes.c_uint64.from_address(self.address + PAGE)

    def add(self, asked, answered):
        while os.read(asked, 1):
            self.value().value += 1
            os.write(answered, b".")

    def check(self):
        same("memory", self.value().value, self.count)
        os.write(self.ask, b".")
        os.read(self.answer, 1)
        self.count += 1
        same("what the other wrote", self.value().value, self.count)


class MemoryFile:
    """a memfd: content, seals, a mapping of it, a name"""

    def make(self):
        self.file = os.memfd_create("object", os.MFD_ALLOW_SEALING)
        self.text = os.urandom(3 * PAGE)
        os.write(self.file, self.text)
        self.address = call("mmap", None, 3 * PAGE, mmap.PROT_READ, mmap.MAP_SHARED, self.file, 0)
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.name = os.readlink(f"/proc/self/fd/{self.file}")

    def check(self):
        same("content", os.pread(self.file, 4 * PAGE, 0), self.text)
        same("mapping", ctypes.string_at(self.address, 3 * PAGE), self.text)
        same("seals", fcntl.fcntl(self.file, fcntl.F_GET_SEALS), fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        same("name", os.readlink(f"/proc/self/fd/{self.file}"), self.name)
        os.pwrite(self.file, b"new", PAGE)
        same("mapping then", ctypes.string_at(self.address + PAGE, 3), b"new")
        os.pwrite(self.file, self.text, 0)


class NamedMemory:
    """a file of shm_open(3), mapped: it is on a file system that a boot empties"""

    NAME = "/dev/shm/object"

    def make(self):
        self.file = os.open(self.NAME, os.O_CREAT | os.O_RDWR, 0o640)
        os.fchown(self.file, 4, 5)
        os.ftruncate(self.file, 3 * PAGE)
        self.address = call("mmap", None, 3 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self.file, 0)
        self.text = os.urandom(3 * PAGE)
        ctypes.memmove(self.address, self.text, len(self.text))

    def check(self):
        same("memory", ctypes.string_at(self.address, 3 * PAGE), self.text)
        found = os.stat(self.NAME)
        same("owner and mode", (found.st_uid, found.st_gid, found.st_mode & 0o777), (4, 5, 0o640))
        # Another opens it: it must be the same memory.
        ctypes.memmove(self.address, b"new", 3)
        with open(self.NAME, "rb") as other:
            same("file", other.read(3), b"new")
        ctypes.memmove(self.address, self.text, 3)


class HugePages:
    """a private and a shared mapping, and a memfd, of huge pages"""

    SIZE, MAP_HUGETLB, MFD_HUGETLB = 2 << 20, 0x40000, 4

    def make(self):
        self.file = os.memfd_create("huge", self.MFD_HUGETLB)
        os.ftruncate(self.file, self.SIZE)
        self.areas = [self.map(mmap.MAP_PRIVATE), self.map(mmap.MAP_SHARED), self.map(mmap.MAP_SHARED, self.file)]
        self.texts = [os.urandom(PAGE) for _ in self.areas]
        for address, text in zip(self.areas, self.texts):
            ctypes.memmove(address + PAGE, text, PAGE)

    def map(self, kind, file=-1):
        kind |= mmap.MAP_ANONYMOUS | self.MAP_HUGETLB if file < 0 else 0
        return call("mmap", None, self.SIZE, mmap.PROT_READ | mmap.PROT_WRITE, kind, file, 0)

    def check(self):
        for address, text in zip(self.areas, self.texts):
            same("content", ctypes.string_at(address + PAGE, PAGE), text)
            size = re.search(rf"^{address:x}-(?:.*\n)*?KernelPageSize:\s+(\d+) kB", own("smaps"), re.M)
            same("kind of page", size and int(size[1]) << 10, self.SIZE)
