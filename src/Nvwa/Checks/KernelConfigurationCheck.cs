using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>What dump, restore and packet lock need is built into the new kernel, and into the running one.</summary>
internal sealed class KernelConfigurationCheck : IHostCheck
{
    /// <summary>Without one of these a restore, or the packet lock, fails.</summary>
    private static readonly string[] ForRestore =
        ["CHECKPOINT_RESTORE", "PROC_FS", "UNIX", "INET", "EPOLL", "EVENTFD", "TIMERFD", "SIGNALFD", "INOTIFY_USER", "FHANDLE", "NAMESPACES", "PID_NS", "TIME_NS", "NF_TABLES", "NF_TABLES_INET"];

    /// <summary>Without one of these CRIU cannot list sockets, or the next kernel cannot be entered.</summary>
    private static readonly string[] ForDump = ["CHECKPOINT_RESTORE", "UNIX_DIAG", "INET_DIAG", "INET_TCP_DIAG", "INET_UDP_DIAG", "PACKET_DIAG", "NETLINK_DIAG"];

    private static readonly string[] ForJump = ["KEXEC_FILE"];

    /// <summary>Images in memory that survives (<c>memmap=</c>, NVDIMM).</summary>
    private static readonly string[] ForPersistentMemory = ["BLK_DEV_PMEM", "LIBNVDIMM", "FS_DAX"];

    public string Name => "kernel configuration";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (KernelConfiguration.Find(host.Root, host.Release) is { } running && Missing(running, ForDump) is { Length: > 0 } missing)
        {
            yield return CheckResult.Refuse(Name, host.Release, $"the running kernel was built without {missing} ({running.Source}): nothing can be dumped on it", "reboot into a kernel with these");
        }

        if (host.Target is not { Version: { } version })
        {
            yield break;
        }

        yield return KernelConfiguration.Find(host.Root, version) is not { } target
            ? CheckResult.Unknown(Name, version, $"no configuration of this kernel was found (/boot/config-{version}, /usr/lib/modules/{version}/config)", "install it with the kernel's package")
            : OfTarget(version, target, FileSystems.MountOf(FileSystems.Existing(host.Server.CriuDir)));
    }

    private CheckResult OfTarget(string version, KernelConfiguration target, Mount images)
    {
        string[] needed = images.Source.StartsWith("/dev/pmem", StringComparison.Ordinal) ? [.. ForRestore, .. ForPersistentMemory] : ForRestore;
        return Missing(target, needed) is { Length: > 0 } missing
            ? CheckResult.Refuse(Name, version, $"was built without {missing} ({target.Source}): nothing could be restored on it", "choose a kernel with these, as a distribution's")
            : Missing(target, [.. ForDump, .. ForJump]) is { Length: > 0 } later
                ? CheckResult.Warn(Name, version, $"was built without {later} ({target.Source}): the next update, from it, will not be possible", "choose a kernel with these")
                : CheckResult.Pass(Name, version, $"has all that is needed ({target.Source})");
    }

    private static string Missing(KernelConfiguration configuration, string[] options) =>
        string.Join(", ", options.Where(option => !configuration.Has(option)).Select(option => $"CONFIG_{option}"));
}
