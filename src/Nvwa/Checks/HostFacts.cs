using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Core.Kernel;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>What the checks look at. Each thing is read once, and only if a check asks for it.</summary>
internal sealed class HostFacts
{
    private readonly Lazy<ILookup<string, int>> _holders;
    private readonly Lazy<ILookup<(DeviceNumber, ulong), int>> _sharers;

    public HostFacts()
    {
        _holders = new(() => PerProcess(pid => ProcFs.DescriptorTargets(pid)));
        _sharers = new(() => PerProcess(pid => Mapping.Of(pid).Where(mapping => mapping.IsShared && mapping.Inode != 0).Select(mapping => (mapping.Device, mapping.Inode))));
    }

    public required RestoreConfiguration Restore { get; init; }

    public required ServerConfiguration Server { get; init; }

    /// <summary>The version that was asked for; null if none was.</summary>
    public string? Version { get; init; }

    /// <summary>Null if no version was named, or there is no such kernel.</summary>
    public KernelImage? Target { get; init; }

    /// <summary>Parameters that the new kernel gets in addition.</summary>
    public string Append { get; init; } = "";

    public required CriuAnswer Criu { get; init; }

    public required ProcessTable Processes { get; init; }

    public IReadOnlyList<KeptWorkload> Workloads { get; init; } = [];

    /// <summary>Memory of virtual machines that does not stay where it is.</summary>
    public long MachineBytes { get; init; }

    public IReadOnlyList<UnixPeer> Peers { get; init; } = [];

    /// <summary>Where the host's files begin; another place only in tests.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Whose namespaces are the host's; another process only in tests.</summary>
    public int Init { get; init; } = 1;

    public string Release { get; init; } = ProcFs.KernelRelease;

    public KernelCommandLine CommandLine { get; init; } = KernelCommandLine.Parse(ProcFs.CommandLine);

    /// <summary>Where journals lie; another place only in tests.</summary>
    public string StateDirectory { get; init; } = UpdateJournal.Directory;

    public UpdateState? LastUpdate => new UpdateJournal(StateDirectory).Read();

    /// <summary>Processes that hold a descriptor with this target, as <c>pipe:[4711]</c>, and are not in the workload.</summary>
    public IReadOnlyList<ProcessInfo> HoldersOutside(KeptWorkload workload, string target) => Outside(workload, _holders.Value[target]);

    /// <summary>The same for shared memory.</summary>
    public IReadOnlyList<ProcessInfo> SharersOutside(KeptWorkload workload, Mapping mapping) =>
        Outside(workload, _sharers.Value[(mapping.Device, mapping.Inode)]);

    private IReadOnlyList<ProcessInfo> Outside(KeptWorkload workload, IEnumerable<int> pids) =>
        [.. pids.Distinct().Where(pid => !workload.Has(pid)).Select(Processes.Find).OfType<ProcessInfo>()];

    private ILookup<T, int> PerProcess<T>(Func<int, IEnumerable<T>> read) => Processes.All
        .Where(process => !process.IsKernelThread)
        .SelectMany(process => Readable(process.Pid, read).Select(item => (Item: item, process.Pid)))
        .ToLookup(pair => pair.Item, pair => pair.Pid);

    /// <summary>A process that even root may not look into (a security module, a container's host) has nothing that could be named.</summary>
    private static IReadOnlyList<T> Readable<T>(int pid, Func<int, IEnumerable<T>> read)
    {
        try
        {
            return [.. read(pid)];
        }
        catch (Exception refused) when (refused is LinuxException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
