"""What belongs to no descriptor."""

import ctypes
import os
import resource
import signal
import threading

from frame import call, child, Lost, own, same


class Limits:
    """resource limits, soft and hard"""

    LOWER = {resource.RLIMIT_NOFILE: (1000, 2000), resource.RLIMIT_CORE: (0, 4096), resource.RLIMIT_STACK: (4 << 20, 6 << 20), resource.RLIMIT_AS: (1 << 40, 1 << 41)}

    def make(self):
        for limit, values in self.LOWER.items():
            resource.setrlimit(limit, values)

    def check(self):
        for limit, values in self.LOWER.items():
            same(f"limit {limit}", resource.getrlimit(limit), values)


class Scheduling:
    """nice, SCHED_BATCH, and a thread with a realtime class; a thread has its own number, too"""

    def make(self):
        os.nice(5)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        self.wake, self.woken = os.pipe()
        thread = threading.Thread(target=os.read, args=(self.wake, 1), daemon=True)
        thread.start()
        self.thread = thread.native_id
        os.sched_setscheduler(self.thread, os.SCHED_RR, os.sched_param(3))

    def check(self):
        same("nice", os.getpriority(os.PRIO_PROCESS, 0), 5)
        same("class", os.sched_getscheduler(0), os.SCHED_BATCH)
        same("class of the thread", os.sched_getscheduler(self.thread), os.SCHED_RR)
        same("its priority", os.sched_getparam(self.thread).sched_priority, 3)
        same("thread", os.path.exists(f"/proc/self/task/{self.thread}"), True)


class OfThreads:
    """the processors that a thread may run on, its I/O priority, and how late its timers may be"""

    SYS_IOPRIO_SET, SYS_IOPRIO_GET, WHO_PROCESS, IDLE = 251, 252, 1, 3 << 13 | 7
    PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, SLACK = 29, 30, 12_345_678

    def make(self):
        self.wake, self.woken = os.pipe()
        thread = threading.Thread(target=os.read, args=(self.wake, 1), daemon=True)
        thread.start()
        self.thread = thread.native_id
        os.sched_setaffinity(self.thread, {1})
        call("syscall", self.SYS_IOPRIO_SET, self.WHO_PROCESS, 0, self.IDLE)
        call("prctl", self.PR_SET_TIMERSLACK, ctypes.c_ulong(self.SLACK), 0, 0, 0)

    def check(self):
        same("processors of the thread", os.sched_getaffinity(self.thread), {1})
        same("processors", os.sched_getaffinity(0), {0, 1})
        same("I/O priority", call("syscall", self.SYS_IOPRIO_GET, self.WHO_PROCESS, 0), self.IDLE)
        same("timer slack", call("prctl", self.PR_GET_TIMERSLACK, 0, 0, 0, 0), self.SLACK)


class Attributes:
    """umask, working directory, name, credentials, capabilities, oom score, signals: what /proc says of the process"""

    STATUS = "Name Umask Uid Gid Groups NStgid SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs THP_enabled".split()
    PENDING = signal.SIGRTMIN + 5
    PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG = 15, 38, 36, 1

    def make(self):
        os.umask(0o27)
        os.mkdir("directory")
        os.chdir("directory")
        os.setgroups([4, 5, 6])
        os.setresgid(0, 7, 0)
        for option, value in ((self.PR_SET_NAME, b"attributes"), (self.PR_SET_NO_NEW_PRIVS, 1), (self.PR_SET_CHILD_SUBREAPER, 1)):
            call("prctl", option, ctypes.c_ulong(value) if isinstance(value, int) else value, 0, 0, 0)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("321")
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        os.kill(os.getpid(), self.PENDING)
        os.kill(os.getpid(), self.PENDING)
        self.shown = self.show()

    def show(self):
        status = dict(line.split(":\t", 1) for line in own("status").splitlines())
        subreaper = ctypes.c_int()
        call("prctl", 37, ctypes.byref(subreaper), 0, 0, 0)
        return [status.get(name) for name in self.STATUS] + [os.getcwd(), own("oom_score_adj"), own("personality"), subreaper.value]

    def check(self):
        for name, now, before in zip(self.STATUS + ["directory", "oom_score_adj", "personality", "subreaper"], self.show(), self.shown):
            same(name, now, before)
        for _ in range(2):
            if not signal.sigtimedwait({self.PENDING}, 0):
                raise Lost("a pending signal is missing")
        same("pending signals", signal.sigtimedwait({self.PENDING}, 0), None)
        os.kill(os.getpid(), self.PENDING)
        os.kill(os.getpid(), self.PENDING)


class Children:
    """a zombie that was not waited for, a stopped child, and a process group"""

    def make(self):
        self.zombie = os.fork()
        if self.zombie == 0:
            os._exit(42)
        os.waitid(os.P_PID, self.zombie, os.WEXITED | os.WNOWAIT)
        self.stopped, _, _ = child(lambda asked, _: os.read(asked, 1))
        os.setpgid(self.stopped, self.stopped)
        os.kill(self.stopped, signal.SIGSTOP)
        os.waitid(os.P_PID, self.stopped, os.WSTOPPED | os.WNOWAIT)

    def check(self):
        same("status of the zombie", os.waitid(os.P_PID, self.zombie, os.WEXITED | os.WNOWAIT | os.WNOHANG).si_status, 42)
        with open(f"/proc/{self.stopped}/stat", encoding="ascii") as file:
            state, parent, group = file.read().rsplit(")", 1)[1].split()[:3]
        same("stopped child", (state, int(parent), int(group)), ("T", os.getpid(), self.stopped))
