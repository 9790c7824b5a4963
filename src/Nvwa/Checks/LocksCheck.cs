using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Locks are restored with who is kept; what others hold on the same files ends with this kernel.</summary>
internal sealed class LocksCheck : IWorkloadCheck
{
    public string Name => "locks";

    public string Fine => "none on files that others lock too";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        // /proc/locks has the file system's own device number, statx the mount's (btrfs): the inode and the holder decide.
        HashSet<ulong> inodes = [.. workload.Files.Where(file => file.Identity.Type == FileType.Regular).Select(file => file.Identity.Inode)];
        ILookup<(DeviceNumber, ulong), FileLock> locks = FileLock.All().Where(each => inodes.Contains(each.Inode)).ToLookup(each => (each.Device, each.Inode));
        return locks
            .Where(file => file.Any(each => workload.Has(each.Pid)) && file.Any(each => each.Pid > 0 && !workload.Has(each.Pid)))
            .Select(file => file.First(each => each.Pid > 0 && !workload.Has(each.Pid)))
            .Select(other => CheckResult.Warn(
                Name, workload.Name, $"{PathOf(workload, other)} is locked by process {other.Pid} too, which is not kept with it: that lock ends with this kernel",
                "stop that process first if what it does is not finished"));
    }

    private static string PathOf(KeptWorkload workload, FileLock file) => workload.Files.First(each => each.Identity.Inode == file.Inode).Path;
}
