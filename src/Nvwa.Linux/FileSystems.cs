using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>What is mounted, how much fits, whether it outlives a boot, and how to get it all to its disks.</summary>
public static class FileSystems
{
    /// <summary>
    /// Without a block device (major 0), but data nevertheless. FUSE is left out: syncing it needs its server, which may
    /// be frozen, and the server's own files lie on a file system that is synced.
    /// </summary>
    private static readonly HashSet<string> DataWithoutDevice =
    [
        "btrfs", "zfs", "overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "virtiofs", "ubifs", "jffs2", "lustre", "afs",
    ];

    private static readonly HashSet<string> MemoryBacked =
    [
        "tmpfs", "ramfs", "rootfs", "devtmpfs", "hugetlbfs", "proc", "sysfs", "cgroup", "cgroup2", "securityfs", "debugfs",
        "tracefs", "configfs", "mqueue", "devpts", "bpf",
    ];

    /// <summary>In the mount namespace of this process, in the kernel's order.</summary>
    public static IReadOnlyList<Mount> Mounts() => Parse("/proc/self/mountinfo");

    /// <summary>In the mount namespace of another process; empty if it is gone.</summary>
    public static IReadOnlyList<Mount> Mounts(int pid) => Parse($"/proc/{pid}/mountinfo");

    /// <summary>The mount that a path is on, links followed.</summary>
    /// <exception cref="LinuxException">ENOENT if there is no such path, or its mount is not in our namespace.</exception>
    public static Mount MountOf(string path)
    {
        using SafeFileHandle handle = Libc.Open(path, Libc.O_PATH);
        int id = MountId(handle);
        return Mounts().FirstOrDefault(mount => mount.Id == id)
            ?? throw new LinuxException("mountinfo", path, Errno.ENOENT);
    }

    /// <summary>The directory itself, or the nearest one above it that is there.</summary>
    public static string Existing(string directory) =>
        Directory.Exists(directory) ? directory : Existing(Path.GetDirectoryName(directory.TrimEnd('/')) ?? "/");

    /// <summary>Bytes that may still be written, without what is reserved for root: see statfs(2).</summary>
    public static long Free(string path)
    {
        using SafeFileHandle handle = Libc.Open(path, Libc.O_PATH);
        return Libc.FreeBytes(handle, path);
    }

    /// <summary>
    /// Files on it do not outlive a boot. (A disk in preserved memory has a block device's type and does.)
    /// </summary>
    public static bool IsMemoryBacked(string type) => MemoryBacked.Contains(type);

    /// <summary>
    /// The path is on a mount and a file system that are not read-only. Permissions are not looked at.
    /// </summary>
    public static bool IsWritable(string path) => MountOf(path).IsWritable;

    /// <summary>
    /// The file system that holds a path, the same text under every kernel: <c>uuid:...</c> from the file system itself
    /// (not statfs's f_fsid, which for xfs is the device's number), <c>label:...</c> from /dev/disk/by-uuid for types
    /// with identifiers of another kind, <c>remote:TYPE:SOURCE</c> for network file systems; and
    /// <c>boot:BOOT-ID:DEVICE</c>, another one after each boot, where the files do not outlive it, or nothing is known.
    /// </summary>
    /// <exception cref="LinuxException">The path is not there.</exception>
    public static string Identity(string path)
    {
        Mount mount = MountOf(path);
        if (IsMemoryBacked(mount.Type))
        {
            return OfThisBoot(mount);
        }

        using SafeFileHandle handle = Libc.Open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOCTTY);
        Guid? uuid = Libc.FileSystemUuid(handle) ?? SuperBlock.ReadUuid(mount);
        return uuid is not null ? $"uuid:{uuid:D}"
            : LinkByUuid(mount) is { } name ? $"label:{name}"
            : IsRemote(mount) ? $"remote:{mount.Type}:{mount.Source}"
            : OfThisBoot(mount);
    }

    /// <summary>
    /// Writes out every writable file system that has a disk or a server, each on a thread of its own, so that one dead
    /// server does not keep the others.
    /// </summary>
    /// <param name="deadline">For all of them together.</param>
    /// <param name="cancellationToken">Stops waiting; what the kernel has begun goes on.</param>
    /// <exception cref="LinuxException">ETIMEDOUT with the first mount that is not done at the deadline; EIO, ENOSPC and
    /// so on with the mount that could not be written.</exception>
    public static Task SyncAllAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        SyncAllAsync(deadline, _ => true, cancellationToken);

    /// <summary>The same for those that the caller needs.</summary>
    public static Task SyncAllAsync(
        TimeSpan deadline, Func<Mount, bool> isNeeded, CancellationToken cancellationToken) =>
        FileSystemSync.RunAsync(
            FileSystemSync.Group(Mounts().Where(mount => HoldsData(mount) && isNeeded(mount))),
            FileSystemSync.Flush,
            deadline,
            cancellationToken);

    /// <summary>The mount's id, from the descriptor's fdinfo: works for every kernel that CRIU works on.</summary>
    internal static int MountId(SafeFileHandle handle)
    {
        using Borrowed borrowed = new(handle);
        string line = Proc.TryReadLines($"/proc/self/fdinfo/{borrowed.Descriptor}")
            .First(each => each.StartsWith("mnt_id:", StringComparison.Ordinal));
        return int.Parse(line.AsSpan("mnt_id:".Length), CultureInfo.InvariantCulture);
    }

    internal static bool HoldsData(Mount mount) =>
        mount.IsWritable
        && !IsMemoryBacked(mount.Type)
        && (!mount.Device.StartsWith("0:", StringComparison.Ordinal) || DataWithoutDevice.Contains(mount.Type));

    private static IReadOnlyList<Mount> Parse(string path) =>
        [.. Proc.TryReadLines(path).Where(line => line.Length > 0).Select(MountInfo.Parse)];

    private static bool IsRemote(Mount mount) => mount.Device.StartsWith("0:", StringComparison.Ordinal)
        && (mount.Source.Contains(':', StringComparison.Ordinal) || mount.Source.StartsWith("//", StringComparison.Ordinal));

    private static string OfThisBoot(Mount mount) => $"boot:{ProcFs.BootId:D}:{mount.Device}";

    /// <summary>The name of the link that leads to the mount's device; udev makes these.</summary>
    private static string? LinkByUuid(Mount mount)
    {
        const string Links = "/dev/disk/by-uuid";
        if (!Directory.Exists(Links))
        {
            return null;
        }

        string device = Path.GetFileName(Libc.ReadLink($"/sys/dev/block/{mount.Device}") ?? "");
        return device.Length == 0
            ? null
            : Directory.EnumerateFileSystemEntries(Links)
                .FirstOrDefault(link => Path.GetFileName(Libc.ReadLink(link)) == device) is { } found
                ? Path.GetFileName(found)
                : null;
    }
}
