using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Tells by what /proc shows of a descriptor or a mapping which row of <see cref="Techniques"/> it is.</summary>
internal static class ResourceKinds
{
    private const string Anonymous = "anon_inode:";

    /// <summary>File systems whose files the kernel makes.</summary>
    private static readonly HashSet<string> OfKernel =
        ["proc", "sysfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "configfs", "efivarfs", "selinuxfs", "bpf", "pstore", "binfmt_misc"];

    private static readonly string[] Namespaces = ["cgroup:[", "ipc:[", "mnt:[", "net:[", "pid:[", "time:[", "user:[", "uts:["];

    // Major numbers of devices.txt.
    private const uint MemoryMajor = 1;
    private const uint TerminalMajor = 4;
    private const uint AuxiliaryMajor = 5;
    private const uint MiscMajor = 10;
    private const uint FirstSlaveMajor = 136;
    private const uint LastSlaveMajor = 143;
    private const uint MasterMinor = 2;
    private const uint TunMinor = 200;
    private const uint KvmMinor = 232;

    // Of clock_gettime(2) and timerfd_settime(2), as fdinfo has them.
    private const string RealTime = "0";
    private const string RealTimeAlarm = "8";
    private const int AbsoluteTime = 1;

    public static ResourceKind Of(OpenFile file, KeptWorkload workload) => file.Identity.Type switch
    {
        _ when file.Descriptor.Target.StartsWith(Anonymous, StringComparison.Ordinal) => OfAnonymous(file, workload),
        FileType.Socket => OfSocket(file.Protocol),
        FileType.CharacterDevice when IsHungUp(file) => ResourceKind.HungUpTerminal,
        FileType.CharacterDevice => OfDevice(file.Identity.Special, workload),
        FileType.BlockDevice => ResourceKind.Device,
        FileType.Pipe when file.Descriptor.Target.StartsWith("pipe:[", StringComparison.Ordinal) => file.IsDirect ? ResourceKind.PacketPipe : ResourceKind.Pipe,
        FileType.Pipe => ResourceKind.NamedPipe,
        FileType.Regular when IsNamespace(file.Descriptor.Target) => ResourceKind.Namespace,
        FileType.Regular or FileType.Directory or FileType.Link => OfNamed(file, workload),
        _ => ResourceKind.None,
    };

    /// <summary><see cref="ResourceKind.None"/> for what every process has: its own memory, libraries, the vDSO.</summary>
    public static ResourceKind Of(Mapping mapping, KeptWorkload workload)
    {
        string target = mapping.Target;
        return target switch
        {
            "" => ResourceKind.None,
            "[uprobes]" => ResourceKind.Uprobes,
            _ when target.StartsWith('[') => ResourceKind.None,
            _ when target.StartsWith(Anonymous, StringComparison.Ordinal) => OfAnonymousName(target[Anonymous.Length..]),
            _ when target.StartsWith("/[aio]", StringComparison.Ordinal) => ResourceKind.AsynchronousIo,
            _ when target.StartsWith("/SYSV", StringComparison.Ordinal) => ResourceKind.SysVSharedMemory,
            _ when target.StartsWith("/dev/zero", StringComparison.Ordinal) => ResourceKind.SharedMemory,
            _ when target.StartsWith("/anon_hugepage", StringComparison.Ordinal) => ResourceKind.HugePages,
            _ when target.StartsWith("/memfd:", StringComparison.Ordinal) => ResourceKind.MemoryFile,
            _ when target.StartsWith("/secretmem", StringComparison.Ordinal) => ResourceKind.SecretMemory,
            _ when target.StartsWith('/') => OfMappedFile(mapping, workload),
            _ => ResourceKind.None,
        };
    }

    private static ResourceKind OfAnonymous(OpenFile file, KeptWorkload workload)
    {
        ResourceKind kind = OfAnonymousName(file.Descriptor.Target[Anonymous.Length..]);
        return kind switch
        {
            ResourceKind.ProcessReference when file.Subject is > 0 and int subject && !workload.Has(subject) => ResourceKind.ForeignProcessReference,
            ResourceKind.Event when file.Detail("eventfd-semaphore") == "1" => ResourceKind.EventSemaphore,
            ResourceKind.Timer when IsOfWall(file) => ResourceKind.WallTimer,
            _ => kind,
        };
    }

    private static bool IsOfWall(OpenFile timer) =>
        timer.Detail("clockid") is RealTime or RealTimeAlarm && timer.Detail("settime flags") is [.., var flags] && (flags - '0' & AbsoluteTime) != 0;

    private static ResourceKind OfAnonymousName(string name) => name.Trim('[', ']') switch
    {
        "eventfd" => ResourceKind.Event,
        "eventpoll" => ResourceKind.Epoll,
        "timerfd" => ResourceKind.Timer,
        "signalfd" => ResourceKind.Signals,
        "inotify" => ResourceKind.Inotify,
        "fanotify" => ResourceKind.Fanotify,
        "pidfd" => ResourceKind.ProcessReference,
        "io_uring" => ResourceKind.IoUring,
        "perf_event" => ResourceKind.PerfEvent,
        "userfaultfd" => ResourceKind.UserFault,
        "bpf-map" => ResourceKind.BpfMap,
        var other when other.StartsWith("bpf", StringComparison.Ordinal) => ResourceKind.BpfProgram,
        var other when other.StartsWith("kvm", StringComparison.Ordinal) => ResourceKind.Kvm,
        _ => ResourceKind.OtherAnonymous,
    };

    /// <summary>Names of struct proto, which differ with the kernel: unix streams were once plain UNIX.</summary>
    private static ResourceKind OfSocket(string? protocol) => protocol switch
    {
        "TCP" or "TCPv6" => ResourceKind.Tcp,
        "UDP" or "UDPv6" or "UDP-Lite" or "UDPLITEv6" => ResourceKind.Udp,
        "RAW" or "RAWv6" or "PING" or "PINGv6" => ResourceKind.RawSocket,
        "NETLINK" => ResourceKind.Netlink,
        "PACKET" => ResourceKind.PacketSocket,
        "UNIX" or "UNIX-STREAM" => ResourceKind.UnixSocket,
        "MPTCP" or "MPTCPv6" => ResourceKind.MultipathTcp,
        _ => ResourceKind.OtherSocket,
    };

    private static ResourceKind OfDevice(DeviceNumber device, KeptWorkload workload) => (device.Major, device.Minor) switch
    {
        (MemoryMajor, _) => ResourceKind.MemoryDevice,
        (MiscMajor, TunMinor) => ResourceKind.Tun,
        (MiscMajor, KvmMinor) => ResourceKind.Kvm,
        (AuxiliaryMajor, MasterMinor) => ResourceKind.PseudoTerminal,
        (var major, _) when IsSlave(major) => workload.Files.Any(IsMaster) ? ResourceKind.PseudoTerminal : ResourceKind.Terminal,
        (TerminalMajor or AuxiliaryMajor, _) => ResourceKind.Terminal,
        _ => ResourceKind.Device,
    };

    private static bool IsSlave(uint major) => major is >= FirstSlaveMajor and <= LastSlaveMajor;

    /// <summary>Its name goes with the other end.</summary>
    private static bool IsHungUp(OpenFile file) => IsSlave(file.Identity.Special.Major) && file.Path != file.Descriptor.Target;

    private static bool IsMaster(OpenFile file) =>
        file.Identity.Type == FileType.CharacterDevice && file.Identity.Special == new DeviceNumber(AuxiliaryMajor, MasterMinor);

    private static ResourceKind OfNamed(OpenFile file, KeptWorkload workload)
    {
        string target = file.Descriptor.Target;
        if (target.StartsWith("/memfd:", StringComparison.Ordinal))
        {
            return ResourceKind.MemoryFile;
        }

        if (target.StartsWith("/secretmem", StringComparison.Ordinal))
        {
            return ResourceKind.SecretMemory;
        }

        Mount? mount = workload.MountOf(file);
        bool isDirectory = file.Identity.Type == FileType.Directory;
        return mount is { Type: "proc" } && ProcessOf(file.Path, mount.Point) is { } pid && !workload.Has(pid) ? ResourceKind.ForeignProcessReference
            : mount is not null && OfKernel.Contains(mount.Type) ? ResourceKind.KernelFile
            : file.IsMessageQueue ? ResourceKind.MessageQueue
            : mount is null && file.Descriptor.MountId > 0 ? OfOutside(file)
            : mount is { Type: "hugetlbfs" } ? ResourceKind.HugePages
            : file.Identity.Links == 0 ? OfNameless(file.Identity)
            : ByName(file, workload) is var byName && byName.Length == 0 ? ResourceKind.RenamedFile
            : !byName.Any(file.Identity.IsSameFile) ? ResourceKind.HiddenFile
            : InMemory(mount) ? (isDirectory ? ResourceKind.DirectoryInMemory : ResourceKind.FileInMemory)
            : isDirectory ? ResourceKind.Directory
            : ResourceKind.File;
    }

    /// <summary>What its path leads to now: of a process in a chroot it is not the process's own.</summary>
    private static FileIdentity[] ByName(OpenFile file, KeptWorkload workload) =>
        [.. new[] { $"/proc/{file.Pid}/root", $"/proc/{workload.Tree.Root.Pid}/root", "" }.Distinct().Select(root => FileIdentity.Of(root + file.Path)).OfType<FileIdentity>()];

    /// <summary>On a mount that its own namespace does not have: systemd opened it, before it made the namespace.</summary>
    private static ResourceKind OfOutside(OpenFile file) =>
        FileIdentity.Of(file.Path)?.IsSameFile(file.Identity) == true ? ResourceKind.OutsideFile : ResourceKind.HiddenFile;

    private static ResourceKind OfMappedFile(Mapping mapping, KeptWorkload workload)
    {
        // By the mapping itself: the path may lead to another file by now. (A mapping that is just gone, or that may not be
        // looked at, has no identity: nothing is refused for what is not known.)
        var identity = FileIdentity.Of($"/proc/{mapping.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}");
        return identity switch
        {
            { Type: FileType.CharacterDevice } => OfDevice(identity.Special, workload),
            { Links: 0 } => OfNameless(identity),
            _ when mapping.Target.EndsWith(" (deleted)", StringComparison.Ordinal) => identity is null ? ResourceKind.NamelessFile : ResourceKind.RenamedFile,
            _ => InMemory(workload.MountOf(mapping.Target)) ? ResourceKind.FileInMemory : ResourceKind.File,
        };
    }

    private static ResourceKind OfNameless(FileIdentity identity) =>
        identity.Type == FileType.Regular && identity.Allocated > Techniques.GhostLimit ? ResourceKind.LargeNamelessFile : ResourceKind.NamelessFile;

    private static bool IsNamespace(string target) => Namespaces.Any(name => target.StartsWith(name, StringComparison.Ordinal));

    private static bool InMemory(Mount? mount) => mount is not null && FileSystems.IsMemoryBacked(mount.Type);

    /// <summary>The process that a path below /proc belongs to; null for the kernel's own files there.</summary>
    private static int? ProcessOf(string path, string point) =>
        int.TryParse(path[point.Length..].TrimStart('/').Split('/')[0], out int pid) ? pid : null;
}
