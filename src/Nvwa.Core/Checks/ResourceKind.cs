namespace Nvwa.Core.Checks;

/// <summary>What a process can hold, by descriptor or mapping, as far as keeping it differs.</summary>
public enum ResourceKind
{
    /// <summary>None of those below.</summary>
    None = 0,
    File,
    Directory,

    /// <summary>Below /proc, /sys or a control group: made by the kernel, found again by its path.</summary>
    KernelFile,

    FileInMemory,
    DirectoryInMemory,

    /// <summary>On a mount that the mount namespace of its process does not have.</summary>
    OutsideFile,
    MessageQueue,
    NamelessFile,

    /// <summary>A file without a name that is too large for the images.</summary>
    LargeNamelessFile,

    /// <summary>The name it was opened by is gone, but another one is left.</summary>
    RenamedFile,

    /// <summary>Its name now belongs to another file, or something is mounted over it.</summary>
    HiddenFile,
    MemoryFile,
    SecretMemory,
    Pipe,

    /// <summary>O_DIRECT: what is written at once is read at once.</summary>
    PacketPipe,
    NamedPipe,
    Tcp,
    Udp,
    RawSocket,
    UnixSocket,
    Netlink,
    PacketSocket,
    MultipathTcp,
    OtherSocket,
    Event,

    /// <summary>EFD_SEMAPHORE: a read takes one, not all.</summary>
    EventSemaphore,
    Epoll,
    Timer,

    /// <summary>Set to a time of the clock on the wall.</summary>
    WallTimer,
    Signals,
    Inotify,
    Fanotify,
    ProcessReference,

    /// <summary>A pidfd of a process that is not in the same workload.</summary>
    ForeignProcessReference,
    BpfMap,
    BpfProgram,
    IoUring,
    PerfEvent,
    UserFault,
    Kvm,
    OtherAnonymous,
    MemoryDevice,

    /// <summary>Either end of a pseudo terminal.</summary>
    PseudoTerminal,
    Terminal,

    /// <summary>A pseudo terminal whose other end was closed.</summary>
    HungUpTerminal,
    Tun,
    Device,
    Namespace,
    SysVSharedMemory,
    SysVSemaphores,
    SysVMessageQueue,
    SharedMemory,
    HugePages,
    AsynchronousIo,
    Uprobes,
}
