using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Kernel;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>What Check found, and what follows from it.</summary>
/// <param name="Results">All answers.</param>
/// <param name="Plan">Null where a check refuses, or no kernel was named.</param>
internal sealed record Planning(IReadOnlyList<CheckResult> Results, UpdatePlan? Plan);

/// <summary>The phase Check: reads the configuration and the host, and plans the update. Touches nothing.</summary>
internal sealed class Planner(ConfigurationFiles files, TimeProvider time)
{
    /// <summary>More processes and threads than a host makes between Check and the freeze.</summary>
    private const int NumbersPerUpdate = 1 << 16;

    private const string Wants = "Wants";
    private const string Before = "Before";
    private const string DefaultDependencies = "DefaultDependencies";

    private static readonly string[] TakenAlong = ["Requires", "Requisite", "BindsTo", "PartOf", "StopPropagatedFrom", Wants, "TriggeredBy"];
    private static readonly HashSet<string> UnitLists = [.. TakenAlong, Before];
    private static readonly HashSet<string> UnitFlags = [DefaultDependencies];

    /// <param name="version">The new kernel; null to check only what does not depend on it.</param>
    /// <param name="append">Further kernel parameters.</param>
    /// <param name="callerPid">Who asked: neither kept nor stopped.</param>
    /// <param name="cancellation">Ends the checks.</param>
    /// <exception cref="ConfigurationException">A configuration file cannot be used.</exception>
    public async Task<Planning> PlanAsync(string? version, string append, int callerPid, CancellationToken cancellation)
    {
        (RestoreConfiguration restore, ServerConfiguration server) = files.Read();
        Task<CriuAnswer> criu = CriuAnswer.AskAsync(server.CriuExe, cancellation);
        (IReadOnlyList<UnixPeer> peers, CheckResult? noPeers) = await PeersAsync(cancellation);
        using var systemd = SystemdBus.Connect();
        var processes = ProcessTable.Read();
        var discovery = new Discovery(systemd, processes, peers, callerPid);
        discovery.Find(restore);
        var machines = new MachineDiscovery(systemd, restore, server.CriuDir);
        await machines.FindAsync(cancellation);
        KernelImage? image = version is null ? null : KernelImages.List("/").FirstOrDefault(each => each.Version == version);
        var host = new HostFacts
        {
            Restore = restore,
            Server = server,
            Version = version,
            Target = image,
            Append = append,
            Criu = await criu,
            Processes = processes,
            Workloads = discovery.Workloads,
            MachineBytes = machines.CopiedBytes,
            Peers = [.. peers, .. await InsideAsync(discovery.Workloads, cancellation)],
        };
        CheckResult[] results = [.. discovery.Results, .. machines.Results, .. noPeers is null ? [] : new[] { noPeers }, .. CheckList.Run(host)];
        if (image is null || results.Any(result => result.Verdict >= Verdict.Refuse))
        {
            return new Planning(results, null);
        }

        Workload[] workloads = [.. discovery.Workloads.Select(kept => kept.Workload with { OwnIpc = kept.SharesSystemV(host.Init) }), .. machines.Workloads];
        string id = UpdateId.Of(time.GetUtcNow());
        var band = PidBand.Choose(workloads.SelectMany(workload => workload.Numbers).Concat(StillToCome()));
        string commandLine = KernelCommandLine.Parse(ProcFs.CommandLine).ForUpdate(id, band, append).ToString();
        IReadOnlyList<string> stopList = StopList.Compute(
            ActiveUnits(systemd), [.. workloads.Select(workload => workload.Unit)], discovery.UnitOf(callerPid));
        return new Planning(results, new UpdatePlan(id, image, commandLine, workloads, stopList, restore, server));
    }

    /// <summary>Without them the output of services to the journal cannot be told from a connection that breaks.</summary>
    private static async Task<(IReadOnlyList<UnixPeer> Peers, CheckResult? Problem)> PeersAsync(CancellationToken cancellation)
    {
        try
        {
            return (await UnixPeers.ReadAsync(cancellation), null);
        }
        catch (LinuxException failed)
        {
            return ([], CheckResult.Refuse("unix connections", "ss", $"connections cannot be listed: {failed.Message}", "install iproute2"));
        }
    }

    private static async Task<IReadOnlyList<UnixPeer>> InsideAsync(IReadOnlyList<KeptWorkload> workloads, CancellationToken cancellation)
    {
        var peers = new List<UnixPeer>();
        foreach (KeptWorkload workload in workloads.Where(workload => workload.Workload.Sandbox.Contains("net")))
        {
            peers.AddRange(await UnixPeers.ReadAsync(workload.Tree.Root.Pid, cancellation));
        }

        return peers;
    }

    /// <summary>What is kept goes on making threads and processes until it is frozen: they get the next numbers of this kernel.</summary>
    private static int[] StillToCome() => [ProcFs.LastPid, Math.Min(ProcFs.LastPid + NumbersPerUpdate, PidBand.Limit - 1)];

    private static IReadOnlyList<UnitFacts> ActiveUnits(SystemdBus systemd) =>
    [
        .. systemd.ListUnits()
            .Where(unit => unit.ActiveState is "active" or "activating" or "reloading" && !unit.Name.EndsWith(".device", StringComparison.Ordinal))
            .Select(unit => FactsOf(unit.Name, systemd.GetMany(unit.Name, SystemdInterface.Unit, UnitLists, UnitFlags))),
    ];

    private static UnitFacts FactsOf(string unit, SystemdProperties properties)
    {
        // What a target wants is half of the host (basic.target: all timers), and stopping it takes no target along.
        bool isTarget = unit.EndsWith(".target", StringComparison.Ordinal);
        return new UnitFacts(
            unit,
            [.. TakenAlong.Where(list => list != Wants || !isTarget).SelectMany(properties.Strings)],
            properties.Strings(Before),
            properties.Is(DefaultDependencies));
    }
}
