using System.Text;
using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Hosts;

/// <summary>
/// What a workload has on file systems that a boot empties (/run, /tmp, private ones): its runtime directory, what belongs to
/// its user, what it has open there, its PID file. tar(1) takes it along, with owners, modes and attributes, into
/// <code>
///   memory.tar     of the host's mounts
///   sandbox.tar    of mounts that only its own mount namespace has
/// </code>
/// Content that services write is unpacked by root: tar makes no file through a link, whoever made that.
/// </summary>
internal sealed class MemoryFiles
{
    private const string OfHost = "memory.tar";
    private const string OfSandbox = "sandbox.tar";
    private const string PrivateMark = "/systemd-private-";

    /// <summary>Made by systemd for the sandbox itself, at each start.</summary>
    private static readonly string[] Made = ["/dev", "/proc", "/sys", "/run/credentials", "/run/systemd"];

    /// <summary>Where a boot finds nothing, whatever they lie on: tmpfiles.d(5) empties /tmp.</summary>
    private static readonly string[] Emptied = ["/run", "/tmp", "/dev/shm"];

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly IReadOnlyList<Mount> _mounts;
    private readonly HashSet<string> _devicesOfHost;
    private readonly string _root;
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);

    private MemoryFiles(int mainPid)
    {
        _mounts = FileSystems.Mounts(mainPid);
        _devicesOfHost = [.. FileSystems.Mounts().Select(mount => mount.Device)];
        _root = $"/proc/{mainPid}/root";
    }

    /// <param name="workload">It is frozen.</param>
    /// <param name="pids">Its processes.</param>
    /// <param name="named">Directories and files that its unit names.</param>
    /// <param name="directory">Of its images.</param>
    /// <param name="without">Files that are kept in another way: of them only the directory that they are in.</param>
    /// <exception cref="StepFailedException">tar failed.</exception>
    public static async Task SaveAsync(
        Workload workload, IReadOnlyList<int> pids, IEnumerable<string> named, string directory, IReadOnlyList<string>? without = null)
    {
        var files = new MemoryFiles(workload.MainPid);
        files.Find(pids, workload.Kind == WorkloadKind.Service ? named.Concat(files.OfUsers(pids)) : named, without ?? []);
        ILookup<bool, string> kept = files._paths.ToLookup(files.IsPrivate);
        await files.PackAsync([.. kept[false]], Path.Combine(directory, OfHost));
        await files.PackAsync([.. kept[true]], Path.Combine(directory, OfSandbox));
    }

    /// <param name="directory">Of its images, which were verified.</param>
    /// <param name="holder">A process in its sandbox; null if it has none.</param>
    /// <exception cref="StepFailedException">tar failed.</exception>
    public static async Task RestoreAsync(string directory, int? holder)
    {
        await UnpackAsync(Path.Combine(directory, OfHost), "/");
        await UnpackAsync(Path.Combine(directory, OfSandbox), $"/proc/{holder}/root");
    }

    private void Find(IReadOnlyList<int> pids, IEnumerable<string> named, IReadOnlyList<string> without)
    {
        foreach (string path in named.Concat(_mounts.Where(IsPrivate).Select(mount => mount.Point)))
        {
            AddAll(path);
        }

        IEnumerable<string> open = pids.SelectMany(OpenFile.Of).Select(file => file.Path);
        IEnumerable<string> mapped = pids.SelectMany(Mapping.Of).Select(mapping => mapping.Target);
        foreach (string path in open.Concat(mapped).Concat(BoundSockets(pids)).Where(path => path.StartsWith('/')).Distinct())
        {
            Add(without.Contains(path) ? Path.GetDirectoryName(path)! : path);
        }
    }

    private IEnumerable<string> OfUsers(IReadOnlyList<int> pids)
    {
        HashSet<uint> users = [.. pids.Select(ProcFs.Read).OfType<ProcessInfo>().Select(process => process.Uid).Where(uid => uid != 0)];
        return Emptied.SelectMany(EntriesOf).Where(path => FileIdentity.OfLink(_root + path) is { } entry && users.Contains(entry.Uid));
    }

    private static IEnumerable<string> BoundSockets(IReadOnlyList<int> pids)
    {
        HashSet<long> inodes = [.. pids.SelectMany(ProcFs.Descriptors).Select(descriptor => descriptor.SocketInode).OfType<long>()];
        return SocketTable.Read(pids[0]).Unix.Where(socket => inodes.Contains(socket.Inode)).Select(socket => socket.Path).OfType<string>();
    }

    /// <summary>With all that is below it. Links are not followed.</summary>
    private void AddAll(string path)
    {
        Add(path);
        if (FileIdentity.OfLink(_root + path)?.Type == FileType.Directory)
        {
            foreach (string entry in EntriesOf(path))
            {
                AddAll(entry);
            }
        }
    }

    /// <summary>With the directories above it, up to the mount that holds it.</summary>
    private void Add(string path)
    {
        if (MountOf(path) is not { } mount || !IsEmptied(mount, path))
        {
            return;
        }

        for (string? each = path; each is not null && each != mount.Point && each != "/"; each = Path.GetDirectoryName(each))
        {
            // What is deleted while it is open comes back by CRIU, below the directory that it was in.
            if (FileIdentity.OfLink(_root + each) is { Type: not FileType.Socket })
            {
                _paths.Add(each);
            }
        }
    }

    private IEnumerable<string> EntriesOf(string directory) => Directory.Exists(_root + directory)
        ? Directory.EnumerateFileSystemEntries(_root + directory).Select(entry => entry[_root.Length..])
        : [];

    private bool IsEmptied(Mount mount, string path) =>
        IsPrivate(mount) || ((mount.Type is "tmpfs" or "ramfs" || path.StartsWith("/tmp/", StringComparison.Ordinal)) && !Made.Any(made => IsBelow(path, made) && !IsBelow(path, "/dev/shm")));

    private bool IsPrivate(string path) => IsPrivate(MountOf(path)!);

    private bool IsPrivate(Mount mount) => mount.Root.Contains(PrivateMark, StringComparison.Ordinal)
        || (mount.Type is "tmpfs" or "ramfs" && !_devicesOfHost.Contains(mount.Device) && !Made.Any(made => IsBelow(mount.Point, made)));

    /// <summary>Of several mounts on one point the last one shows.</summary>
    private Mount? MountOf(string path) => _mounts.Where(mount => mount.Point == "/" || IsBelow(path, mount.Point)).OrderBy(mount => mount.Point.Length).LastOrDefault();

    private static bool IsBelow(string path, string directory) => path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private async Task PackAsync(IReadOnlyList<string> paths, string archive)
    {
        if (paths.Count > 0)
        {
            byte[] list = Encoding.UTF8.GetBytes(string.Concat(paths.Select(path => $"{path[1..]}\0")));
            // 1: a file of somebody else changed meanwhile.
            await TarAsync(
                1, list, "--create", $"--file={archive}", $"--directory={_root}", "--numeric-owner", "--acls", "--xattrs", "--sparse",
                "--no-recursion", "--null", "--verbatim-files-from", "--files-from=-");
        }
    }

    private static Task UnpackAsync(string archive, string root) => File.Exists(archive)
        ? TarAsync(0, null, "--extract", $"--file={archive}", $"--directory={root}", "--numeric-owner", "--same-permissions", "--same-owner", "--acls", "--xattrs", "--overwrite")
        : Task.CompletedTask;

    private static async Task TarAsync(int worst, ReadOnlyMemory<byte>? input, params string[] arguments)
    {
        SpawnResult tar = await Spawn.RunAsync(new SpawnRequest("/usr/bin/tar", arguments) { Input = input }, Deadline, CancellationToken.None);
        if (tar.ExitCode > worst)
        {
            throw new StepFailedException($"tar {arguments[0]} {arguments[1]} failed: {tar.Error.Trim()}");
        }
    }
}
