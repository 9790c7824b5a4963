#!/usr/bin/python3
"""A service that verifies itself, whatever the settings of its unit are.

keeps:     a number in memory that goes on where its file ends, a random block, threads, children, files with owners and modes
           in each of its directories, a file without a name, sockets to syslog and to the journal, those that systemd gave it
usage:     keeper.py serve [children=N] [threads=N] [groups] [mute] [daemon[=PIDFILE]]
           keeper.py ask NAME WORDS       of the service with the runtime directory NAME
           keeper.py connect PATH         to a unix socket, and nothing else
ready:     READY=1, and its socket /run/NAME/ask answers; a daemon's first process has ended
asks:      report      all that no change of kernels may change, a line each; "FAIL ..." for what it found wrong itself
           log WORD    on standard output and error, to syslog and to the journal
           hang        it feeds the watchdog no more
           die         it ends as by a bug
"""

import glob
import hashlib
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import threading
import time

DIRECTORIES = ["RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY"]
COUNTER = 16
SETTINGS = {"memory.max": 64 << 20, "pids.max": 7, "cpu.weight": 33}


def options(words):
    return dict(word.split("=", 1) if "=" in word else (word, "") for word in words)


def error_of(action):
    try:
        action()
    except OSError as failed:
        return os.strerror(failed.errno)
    return "allowed"


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def content(path):
    with open(path, "rb") as file:
        return file.read()


class Keeper:
    def __init__(self, wanted):
        self.wanted = wanted
        self.failures = []
        self.feeds = True
        self.memory = os.urandom(1 << 16)
        self.memory_digest = digest(self.memory)
        self.runtime = os.environ["RUNTIME_DIRECTORY"]
        self.name = os.path.basename(self.runtime)
        self.pid = os.getpid()
        self.count = 0
        self.counter = open(f"{self.runtime}/count", "w+b", buffering=0)
        self.counter.write(b"0".rjust(COUNTER))
        self.places = [self.mark(place) for place in self.directories()]
        self.nameless = tempfile.TemporaryFile(dir=self.runtime)
        self.nameless.write(self.memory[:512])
        self.nameless.flush()
        self.syslog = self.datagram("/dev/log")
        self.journal = self.datagram("/run/systemd/journal/socket")
        self.parked = threading.Event()
        for _ in range(int(wanted.get("threads", 0))):
            threading.Thread(target=self.parked.wait, daemon=True).start()
        self.children = [self.child() for _ in range(int(wanted.get("children", 0)))]
        if "groups" in wanted:
            self.spread()
        self.given = [socket.socket(fileno=number) for number in range(3, 3 + int(os.environ.get("LISTEN_FDS", 0)))]
        for each in self.given:
            threading.Thread(target=self.serve_given, args=(each,), daemon=True).start()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.runtime}/ask")
        self.listener.listen()

    @staticmethod
    def directories():
        named = [path for variable in DIRECTORIES for path in os.environ.get(variable, "").split(":") if path]
        # What root has in a directory that all share nobody can tell from others' files.
        private = os.getuid() != 0 or os.path.ismount("/var/tmp")
        return named + [place for place in ("/tmp", "/var/tmp") if private and os.access(place, os.W_OK)]

    def mark(self, place):
        directory = f"{place}/{self.name}.kept"
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o1750)
        path = f"{directory}/file"
        with open(path, "wb") as file:
            file.write(self.memory[:64])
        os.chmod(path, 0o640)
        return directory

    def datagram(self, path):
        if "mute" in self.wanted:
            return None
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        connected.connect(path)
        return connected

    @staticmethod
    def child():
        pid = os.fork()
        if pid == 0:
            while True:
                signal.pause()
        return pid

    def spread(self):
        """A group for each child, below its own (Delegate=)."""
        top = os.path.dirname(f"/sys/fs/cgroup{self.group_of('self')}")
        for number, pid in enumerate(self.children):
            group = f"{top}/child-{number}"
            os.makedirs(group, exist_ok=True)
            with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(f"{pid}")
        for setting, value in SETTINGS.items():
            controller = setting.split(".")[0]
            if controller in content(f"{top}/cgroup.controllers").decode().split():
                with open(f"{top}/cgroup.subtree_control", "w", encoding="ascii") as file:
                    file.write(f"+{controller}")
                with open(f"{top}/child-0/{setting}", "w", encoding="ascii") as file:
                    file.write(f"{value}")

    def run(self):
        threading.Thread(target=self.serve, daemon=True).start()
        self.notify(f"READY=1\nSTATUS=keeps {self.memory_digest}")
        signal.signal(signal.SIGHUP, lambda *_: self.reload())
        watchdog = int(os.environ.get("WATCHDOG_USEC", 0)) / 1e6
        before = time.monotonic()
        while True:
            time.sleep(min(1, watchdog / 4) if watchdog else 1)
            self.tick(before, before := time.monotonic())
            if watchdog and self.feeds:
                self.notify("WATCHDOG=1")

    def tick(self, before, now):
        if now < before:
            self.failures.append(f"time went back from {before} to {now}")
        saved = int(os.pread(self.counter.fileno(), COUNTER, 0))
        if saved != self.count:
            self.failures.append(f"memory says {self.count}, the file {saved}")
        self.count += 1
        os.pwrite(self.counter.fileno(), str(self.count).rjust(COUNTER).encode(), 0)

    def reload(self):
        self.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self.notify("READY=1")

    def notify(self, message):
        if where := os.environ.get("NOTIFY_SOCKET"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
                to.sendto(message.encode(), "\0" + where[1:] if where[0] == "@" else where)

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                # Who only connects says nothing.
                if words := peer.recv(4096).decode().split():
                    try:
                        peer.sendall(self.answer(*words).encode())
                    except OSError as failed:
                        peer.sendall(f"FAIL {words}: {failed}\n".encode())

    def serve_given(self, given):
        """Says who it is to everybody."""
        while True:
            if given.type == socket.SOCK_DGRAM:
                _, peer = given.recvfrom(100)
                given.sendto(self.memory_digest.encode(), peer)
            else:
                peer, _ = given.accept()
                with peer:
                    peer.sendall(self.memory_digest.encode())

    @staticmethod
    def call(given):
        """Who answers at its address."""
        with socket.socket(given.family, given.type) as client:
            client.settimeout(10)
            client.connect(given.getsockname() if given.family == socket.AF_UNIX else ("::1", given.getsockname()[1]))
            if given.type == socket.SOCK_DGRAM:
                client.send(b"?")
            return client.recv(100).decode()

    def answer(self, what, word=""):
        match what:
            case "report":
                return "".join(f"{line}\n" for line in self.report())
            case "log":
                return self.log(word)
            case "hang":
                self.feeds = False
                return "\n"
            case "die":
                os._exit(3)

    def log(self, word):
        for number in (1, 2):
            os.write(number, f"{word} on {number}\n".encode())
        if self.syslog:
            self.syslog.send(f"<14>keeper: {word} to syslog".encode())
        if self.journal:
            self.journal.send(f"MESSAGE={word} to the journal\nPRIORITY=6\n".encode())
        return "\n"

    def report(self):
        yield from (f"FAIL {failure}" for failure in self.failures)
        yield f"process {self.pid} {os.getpid()} session {os.getsid(0)} group {os.getpgid(0)} in {os.getcwd()}"
        yield f"memory {self.memory_digest} {digest(self.memory)}"
        yield f"nameless {digest(os.pread(self.nameless.fileno(), 512, 0))}"
        yield f"threads {len(os.listdir('/proc/self/task'))}"
        yield f"users {os.getresuid()} {os.getresgid()} {os.getgroups()}"
        yield from (f"child {pid} {content(f'/proc/{pid}/stat').split()[3].decode()} in {self.group_of(pid)}" for pid in self.children)
        yield f"group {self.group_of('self')}"
        yield from (self.place(place) for place in self.places)
        yield from self.limits()
        yield from re.findall("^(?:Umask|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed_list):.*$", content("/proc/self/status").decode(), re.MULTILINE)
        yield f"label {self.label()}"
        yield f"scheduler {os.sched_getscheduler(0)} nice {os.nice(0)} oom {content('/proc/self/oom_score_adj').decode().strip()}"
        yield f"credentials {[(os.path.basename(path), content(path)) for path in sorted(glob.glob(os.environ.get('CREDENTIALS_DIRECTORY', '/nowhere') + '/*'))]}"
        yield from (f"descriptor {number} {self.descriptor(number)}" for number in (0, 1, 2))
        yield from (f"given {given.getsockname()} {given.getblocking()} answered by {self.call(given)}" for given in self.given)
        yield f"host {socket.gethostname()} links {[name for _, name in self.links()]} devices {len(os.listdir('/dev')) if self.private_devices() else 'of the host'}"
        yield from (f"may {what}: {error_of(action)}" for what, action in self.attempts())

    @staticmethod
    def group_of(pid):
        return re.search("^0::(.*)$", content(f"/proc/{pid}/cgroup").decode(), re.MULTILINE)[1]

    @staticmethod
    def label():
        try:
            return content("/proc/self/attr/current").decode().strip(" \n\0")
        except OSError:
            return "none"

    @staticmethod
    def links():
        try:
            return sorted(socket.if_nameindex(), key=lambda link: link[1])
        except OSError as failed:
            return [(0, os.strerror(failed.errno))]

    @staticmethod
    def private_devices():
        return not os.path.exists("/dev/kmsg")

    @staticmethod
    def place(directory):
        path = f"{directory}/file"
        of_directory, of_file = os.stat(directory), os.stat(path)
        return (f"place {directory} {of_directory.st_uid}:{of_directory.st_gid} {of_directory.st_mode:o} "
                f"file {of_file.st_uid}:{of_file.st_gid} {of_file.st_mode:o} {digest(content(path))}")

    @staticmethod
    def limits():
        for name in sorted(name for name in dir(resource) if name.startswith("RLIMIT_")):
            yield f"{name} {resource.getrlimit(getattr(resource, name))}"

    @staticmethod
    def descriptor(number):
        return re.sub(r"\[\d+\]", "", os.readlink(f"/proc/self/fd/{number}"))

    @staticmethod
    def attempts():
        """What a sandbox forbids."""
        yield "write to /usr", lambda: os.close(os.open("/usr/local/.keeper", os.O_CREAT | os.O_WRONLY)) or os.unlink("/usr/local/.keeper")
        yield "read /root", lambda: os.listdir("/root")
        yield "have a network socket", lambda: socket.socket(socket.AF_INET).close()
        yield "have a netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
        yield "set the host name", lambda: socket.sethostname(socket.gethostname())
        yield "bind port 99", lambda: socket.create_server(("127.0.0.1", 99)).close()
        yield "see PID 1", lambda: os.stat("/proc/1/comm")
        yield "set a tunable", lambda: os.close(os.open("/proc/sys/kernel/domainname", os.O_WRONLY))


def daemonize(pid_file):
    """As daemon(7) has it: the first process ends when the second is ready."""
    read, write = os.pipe()
    if os.fork() > 0:
        os.close(write)
        os._exit(0 if os.read(read, 1) else 1)
    os.close(read)
    os.setsid()
    keeper = Keeper(options(sys.argv[2:]))
    if pid_file:
        with open(pid_file, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    os.write(write, b"r")
    os.close(write)
    return keeper


def ask(name, *words):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        peer.connect(f"/run/{name}/ask")
        peer.sendall(" ".join(words).encode())
        while part := peer.recv(65536):
            print(part.decode(), end="")


def connect(path):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        signal.pause()


def main():
    if sys.argv[1] == "ask":
        ask(*sys.argv[2:])
    elif sys.argv[1] == "connect":
        connect(sys.argv[2])
    else:
        wanted = options(sys.argv[2:])
        (daemonize(wanted["daemon"]) if "daemon" in wanted else Keeper(wanted)).run()


main()
