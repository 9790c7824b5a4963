using Nvwa.Core.Checks;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>A workload with its processes, and what they hold, read when first asked for.</summary>
internal sealed class KeptWorkload
{
    private readonly Lazy<IReadOnlyList<OpenFile>> _files;
    private readonly Lazy<IReadOnlyList<Mapping>> _mappings;
    private readonly Lazy<IReadOnlyList<Mount>> _mounts;
    private readonly Lazy<IReadOnlyList<SystemVObject>> _systemV;

    public KeptWorkload(Workload workload, ProcessTree tree)
    {
        Workload = workload;
        Tree = tree;
        Pids = [.. tree.Members.Select(member => member.Pid)];
        _files = new(() => [.. Pids.SelectMany(OpenFile.Of)]);
        _mappings = new(() => [.. Pids.SelectMany(Mapping.Of)]);
        _mounts = new(() => FileSystems.Mounts(tree.Root.Pid));
        _systemV = new(() => [.. SystemVObject.Of(tree.Root.Pid).Where(IsOf)]);
    }

    public Workload Workload { get; }

    public ProcessTree Tree { get; }

    /// <summary>Null for a process.</summary>
    public UnitFiles? UnitFiles { get; init; }

    public string Name => Workload.Name;

    public IReadOnlyList<int> Pids { get; }

    public IReadOnlyList<OpenFile> Files => _files.Value;

    public IReadOnlyList<Mapping> Mappings => _mappings.Value;

    /// <summary>What a dump has to copy at most: it leaves out what can be read from files again, and pages of zeros.</summary>
    public long Bytes => Tree.Members.Sum(member => member.AnonymousBytes + member.SwappedBytes + member.HugePageBytes);

    /// <summary>
    /// System V objects of it: those that it has mapped, made, or was the last to use. What others used since cannot be known to
    /// be its own, unless it has an IPC namespace.
    /// </summary>
    public IReadOnlyList<SystemVObject> SystemV => _systemV.Value;

    /// <summary>It has System V objects, in the IPC namespace of the host.</summary>
    public bool SharesSystemV(int init) => SystemV.Count > 0 && !Sandbox.IsOwn(Tree.Root.Pid, init, "ipc");

    public bool Has(int pid) => Pids.Contains(pid);

    private bool IsOf(SystemVObject each) => Sandbox.IsOwn(Tree.Root.Pid, Environment.ProcessId, "ipc")
        || each.Users.Any(Has)
        || (each.Kind == SystemVKind.Shm && Mappings.Any(mapping => mapping.Inode == (ulong)each.Id && ResourceKinds.Of(mapping, this) == ResourceKind.SysVSharedMemory));

    /// <summary>The mount that a descriptor is on; null for what lies on none that the workload sees.</summary>
    public Mount? MountOf(OpenFile file) =>
        file.Descriptor.MountId > 0 ? _mounts.Value.FirstOrDefault(mount => mount.Id == file.Descriptor.MountId) : MountOf(file.Path);

    /// <summary>By the path: of several mounts on one point the last one shows.</summary>
    public Mount? MountOf(string path) => _mounts.Value
        .Where(mount => mount.Point == "/" || path == mount.Point || path.StartsWith(mount.Point + "/", StringComparison.Ordinal))
        .OrderBy(mount => mount.Point.Length)
        .LastOrDefault();
}
