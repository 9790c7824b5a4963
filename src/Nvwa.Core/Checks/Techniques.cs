namespace Nvwa.Core.Checks;

/// <summary>Whether something comes back.</summary>
public enum Keeping
{
    None = 0,

    /// <summary>As it is.</summary>
    Kept = 1,

    /// <summary>By a technique that has a condition: the operator should know it.</summary>
    Conditional = 2,

    /// <summary>The dump, or the restore, would fail.</summary>
    Impossible = 3,
}

/// <summary>A row of the table.</summary>
/// <param name="Name">For people, in the singular or as a mass noun.</param>
/// <param name="Keeping">Whether it comes back.</param>
/// <param name="Why">How it is kept, or why it is not; null for what is simply kept.</param>
/// <param name="Remedy">What can be done, null where nothing need be.</param>
public sealed record Technique(string Name, Keeping Keeping, string? Why = null, string? Remedy = null);

/// <summary>
/// The one table of what a process can hold and how it is kept. It is CRIU 4.2's own list (files.c, pipes.c, sockets.c,
/// fsnotify.c, pidfd.c, tun.c, proc_parse.c), and what it loses without a word (eventfd.c, timerfd.c), as our dumps call it:
/// <c>external unix sockets</c> and <c>tcp_established</c> are given, <c>link_remap</c>, <c>shell_job</c> and
/// <c>force_irmap</c> are not.
/// </summary>
public static class Techniques
{
    /// <summary>CRIU's default for files without a name, which our dumps leave as it is (CR_DEFAULTs, DEFAULT_GHOST_LIMIT).</summary>
    public const long GhostLimit = 1 << 20;

    private const string LeaveOut = "close it before the update, or take the workload out of nvwa-restore.yaml";
    private const string Restart = "restart the workload, so that it opens it anew";

    public static Technique Of(ResourceKind kind) => kind switch
    {
        ResourceKind.File => new("file", Keeping.Kept),
        ResourceKind.Directory => new("directory", Keeping.Kept),
        ResourceKind.KernelFile => new("kernel file", Keeping.Kept),
        ResourceKind.FileInMemory => new(
            "file in memory", Keeping.Kept, "its content goes into the images"),
        ResourceKind.DirectoryInMemory => new(
            "directory in memory", Keeping.Kept, "is made again"),
        ResourceKind.OutsideFile => new("file from outside its namespace", Keeping.Kept, "is opened anew and handed in"),
        ResourceKind.MessageQueue => new("message queue", Keeping.Impossible, "is a POSIX message queue, which CRIU does not know", LeaveOut),
        ResourceKind.NamelessFile => new("file without a name", Keeping.Kept, "its content goes into the images"),
        ResourceKind.LargeNamelessFile => new(
            "large file without a name", Keeping.Impossible, $"has no name any more and more than {GhostLimit >> 20} MiB, which CRIU does not put into the images", Restart),
        ResourceKind.RenamedFile => new(
            "file with another name", Keeping.Impossible, "was deleted by the name it was opened with while another name is left, which cannot be kept", Restart),
        ResourceKind.HiddenFile => new(
            "hidden file", Keeping.Impossible, "can no more be reached by its name, which belongs to another file or lies below a mount", Restart),
        ResourceKind.MemoryFile => new("memfd", Keeping.Kept),
        ResourceKind.SecretMemory => new("secret memory", Keeping.Impossible, "is memory that the kernel hides from everybody", LeaveOut),
        ResourceKind.Pipe => new("pipe", Keeping.Kept),
        ResourceKind.PacketPipe => new(
            "packet pipe", Keeping.Impossible, "is a pipe of packets (O_DIRECT), which CRIU does not know", LeaveOut),
        ResourceKind.NamedPipe => new("named pipe", Keeping.Kept),
        ResourceKind.Tcp => new("TCP socket", Keeping.Kept, "packets are held back meanwhile"),
        ResourceKind.Udp => new("UDP socket", Keeping.Kept, "what lies unread in it is lost"),
        ResourceKind.RawSocket => new("raw socket", Keeping.Kept, "what lies unread in it is lost"),
        ResourceKind.UnixSocket => new("unix socket", Keeping.Kept),
        ResourceKind.Netlink => new(
            "netlink socket", Keeping.Conditional, "is kept, but what changes in the kernel meanwhile is not reported to it", "restart the workload afterwards if it does not notice by itself"),
        ResourceKind.PacketSocket => new("packet socket", Keeping.Kept, "what lies unread in it is lost"),
        ResourceKind.MultipathTcp => new(
            "multipath TCP socket", Keeping.Impossible, "is multipath TCP, which CRIU does not know", "make it plain TCP (for Go programs: GODEBUG=multipathtcp=0)"),
        ResourceKind.OtherSocket => new("other socket", Keeping.Impossible, "is of a family or protocol that CRIU does not know", LeaveOut),
        ResourceKind.Event => new("eventfd", Keeping.Kept),
        ResourceKind.EventSemaphore => new(
            "event semaphore", Keeping.Impossible, "counts as a semaphore (EFD_SEMAPHORE), of which CRIU would make a plain counter", LeaveOut),
        ResourceKind.Epoll => new("epoll", Keeping.Kept),
        ResourceKind.Timer => new("timerfd", Keeping.Kept),
        ResourceKind.WallTimer => new(
            "wall clock timerfd", Keeping.Conditional, "is set to a time of day, and is late by as long as the update stops the workload",
            "restart the workload afterwards if that matters"),
        ResourceKind.Signals => new("signalfd", Keeping.Kept),
        ResourceKind.Inotify => new("inotify", Keeping.Kept, "events that were not read are lost"),
        ResourceKind.Fanotify => new(
            "fanotify", Keeping.Conditional, "is kept with its marks, but not the mounts and events that come meanwhile", "restart the workload afterwards if it does not notice by itself"),
        ResourceKind.ProcessReference => new("pidfd", Keeping.Kept),
        ResourceKind.ForeignProcessReference => new("pidfd of another", Keeping.Impossible, "stands for a process that is not kept with it", LeaveOut),
        ResourceKind.BpfMap => new(
            "BPF map", Keeping.Conditional, "is kept only by a CRIU that was built with libbpf", "see 'criu check --feature' and a dry run of CRIU, or take the workload out"),
        ResourceKind.BpfProgram => new("BPF program", Keeping.Impossible, "is a part of this kernel", LeaveOut),
        ResourceKind.IoUring => new("io_uring", Keeping.Impossible, "is io_uring, which CRIU does not know", "configure the program not to use it (mariadb: innodb_use_native_aio=0)"),
        ResourceKind.PerfEvent => new("perf event", Keeping.Impossible, "is a perf event, a part of this kernel", "end the measurement"),
        ResourceKind.UserFault => new("userfaultfd", Keeping.Impossible, "is a userfaultfd, which CRIU does not know", LeaveOut),
        ResourceKind.Kvm => new("virtual machine", Keeping.Impossible, "is a part of a virtual machine, which lives in this kernel", LeaveOut),
        ResourceKind.OtherAnonymous => new("other kernel object", Keeping.Impossible, "is an object of this kernel that CRIU does not know", LeaveOut),
        ResourceKind.MemoryDevice => new("null, zero or random device", Keeping.Kept),
        ResourceKind.PseudoTerminal => new(
            "pseudo terminal", Keeping.Conditional, "is a pseudo terminal, whose number must be free on the new kernel", "start the workload without one"),
        ResourceKind.Terminal => new(
            "terminal", Keeping.Impossible, "is a terminal that does not come back", "start it with setsid and without a terminal (</dev/null >/var/log/... 2>&1), or inside a service"),
        ResourceKind.HungUpTerminal => new(
            "hung up terminal", Keeping.Conditional, "is a terminal that was closed, whose number must be free on the new kernel",
            "start the workload without one (</dev/null >/var/log/... 2>&1)"),
        ResourceKind.Tun => new("tun device", Keeping.Impossible, "is a tun or tap interface, which CRIU keeps only in a network namespace of its own", LeaveOut),
        ResourceKind.Device => new("device", Keeping.Impossible, "is a device, whose state is in this kernel", LeaveOut),
        ResourceKind.Namespace => new("namespace", Keeping.Conditional, "is a namespace: kept if it is the workload's own", LeaveOut),
        ResourceKind.SysVSharedMemory => new(
            "System V shared memory", Keeping.Kept, "comes back in an IPC namespace of its own"),
        ResourceKind.SysVSemaphores => new(
            "System V semaphores", Keeping.Kept, "come back in an IPC namespace of their own, without what SEM_UNDO would undo"),
        ResourceKind.SysVMessageQueue => new(
            "System V message queue", Keeping.Kept, "comes back in an IPC namespace of its own"),
        ResourceKind.SharedMemory => new("shared memory", Keeping.Kept),
        ResourceKind.HugePages => new(
            "huge pages", Keeping.Conditional, "needs as many huge pages on the new kernel", "reserve them at boot: hugepages= or vm.nr_hugepages"),
        ResourceKind.AsynchronousIo => new("aio ring", Keeping.Kept),
        ResourceKind.Uprobes => new("uprobes", Keeping.Impossible, "is traced by uprobes", "end the tracing (perf, bpftrace)"),
        _ => new("unknown kind", Keeping.Impossible, "is of a kind that CRIU does not know", LeaveOut),
    };
}
