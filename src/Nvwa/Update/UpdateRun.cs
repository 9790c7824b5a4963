using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Nvwa.Api;
using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Criu;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>A phase failed; the update is rolled back.</summary>
internal sealed class PhaseException(Phase phase, string reason, Exception cause) : Exception(reason, cause)
{
    public Phase Phase { get; } = phase;
}

/// <summary>A step did not do what it should, in words for the operator: operation, subject, cause.</summary>
internal sealed class StepFailedException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>
/// One update from Load to the jump, as a flat list of phases. <see cref="RunAsync"/> returns only by throwing: either a
/// phase failed, and <see cref="RollBack"/> has to follow, or the kernel is gone and nobody is left to return to.
/// </summary>
internal sealed class UpdateRun(UpdatePlan plan, UpdateJournal journal, SystemdBus systemd, Func<Progress, Task> report)
{
    /// <summary>Stopping what is not kept may take as long as systemd's own default for one unit, and a little.</summary>
    private static readonly TimeSpan QuiesceDeadline = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan LoadDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan UnitDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FreezeDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DumpDeadline = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan SyncDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan JournaldDeadline = TimeSpan.FromSeconds(10);

    private readonly ImageStore _images = new(plan.Server.CriuDir, plan.Id);
    private readonly List<Dump> _dumps = [];
    private PacketLock? _lock;

    /// <summary>A workload with the CRIU that waits to dump it.</summary>
    private sealed record Dump(Workload Workload, int Index, CriuClient Criu, SafeFileHandle Images);

    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await PhaseAsync(Phase.Load, LoadAsync, cancellation);
            await PhaseAsync(Phase.Prepare, PrepareAsync, cancellation);
            await PhaseAsync(Phase.Quiesce, QuiesceAsync, cancellation);
            await PhaseAsync(Phase.Save, SaveAsync, cancellation);
            await PhaseAsync(Phase.Switch, SwitchAsync, cancellation);
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    /// <summary>
    /// By the kernel itself, which checks signatures where it must; kexec(8) only where a kernel lacks that system call or
    /// quick kexec is asked for, never to get around a refusal.
    /// </summary>
    private async Task<string> LoadAsync(CancellationToken cancellation)
    {
        bool quick = plan.Restore.EnableQuickKexec && HostChecks.HasQuickKexec();
        if (Kexec.HasFileLoad && !quick)
        {
            Kexec.Load(plan.Kernel.Kernel, plan.Kernel.Initrd, plan.CommandLine);
            return $"{plan.Kernel.Kernel} is loaded";
        }

        string[] arguments = [quick ? "-q" : "-l", plan.Kernel.Kernel, $"--initrd={plan.Kernel.Initrd}", $"--append={plan.CommandLine}"];
        SpawnResult loaded = await Spawn.RunAsync(new SpawnRequest(plan.Server.KexecExe, arguments), LoadDeadline, cancellation);
        return loaded.ExitCode == 0
            ? $"{plan.Kernel.Kernel} is loaded by {plan.Server.KexecExe}"
            : throw new StepFailedException($"{plan.Server.KexecExe} could not load {plan.Kernel.Kernel}: {loaded.Error.Trim()}");
    }

    /// <summary>Everything that can be done while the workloads serve: CRIUs that wait, the hardware clock, the plan on disk.</summary>
    private async Task<string> PrepareAsync(CancellationToken cancellation)
    {
        Task<RtcReading?> rtc = RtcClock.MeasureAsync(cancellation);
        _lock = PacketLock.Open();
        _images.RemoveEarlier();
        foreach ((int index, Workload workload) in plan.Workloads.Index())
        {
            if (workload.Kind == WorkloadKind.Process && systemd.UnitOfProcess(workload.MainPid) != workload.Unit)
            {
                await systemd.StartTransientScopeAsync(Scopes.Of(workload, Members(workload)), UnitDeadline, cancellation);
            }

            _dumps.Add(await StartCriuAsync(workload, index, cancellation));
        }

        foreach (Dump dump in _dumps)
        {
            await dump.Criu.VersionAsync(cancellation);
        }

        RtcReading? tick = await rtc;
        journal.Append(new Planned(plan.Workloads, plan.StopList, tick is { } reading ? new RtcTick(reading.RtcSeconds, reading.BoottimeNanoseconds) : null));
        return $"{plan.Workloads.Count} workloads, {plan.StopList.Count} units to stop";
    }

    private async Task<string> QuiesceAsync(CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, SystemdJobResult> results = await systemd.StopAllAsync(plan.StopList, QuiesceDeadline, cancellation);
        string[] stuck = [.. results.Where(result => result.Value.Result is not (SystemdJobResult.Done or "skipped" or "failed")).Select(result => $"{result.Key} ({result.Value.Detail ?? result.Value.Result})")];
        return stuck.Length == 0
            ? $"{plan.StopList.Count} units are stopped"
            : throw new StepFailedException($"these units did not stop: {string.Join(", ", stuck)}");
    }

    /// <summary>
    /// Lock, freeze all, and only then dump: a workload that still ran could talk to, or write files of, one that is
    /// already dumped.
    /// </summary>
    private async Task<string> SaveAsync(CancellationToken cancellation)
    {
        LockPackets();
        Stamp began = Moment.Now();
        await Task.WhenAll(plan.Workloads.Select(workload => Task.Run(() => systemd.Freeze(workload.Unit, FreezeDeadline), cancellation)));
        // What was accepted between the lock and the freeze.
        LockPackets();
        RefuseStrays();
        journal.Append(new AllFrozen(began, Moment.Now()));
        foreach (Dump dump in _dumps)
        {
            journal.Append(new Locked(dump.Workload.Name, Endpoints(dump.Workload)));
        }

        await Task.WhenAll(_dumps.Select(dump => DumpAsync(dump)));
        return $"{_dumps.Sum(dump => _images.Size(dump.Workload)) >> 20} MiB";
    }

    private async Task<string> SwitchAsync(CancellationToken cancellation)
    {
        Journald.Synchronize(JournaldDeadline);
        Journald.RelinquishVar(JournaldDeadline);
        await FileSystems.SyncAllAsync(SyncDeadline, cancellation);
        await report(new Progress(plan.Id, Phase.Switch, $"jumping; follow with: nvwa status --wait {plan.Id}"));
        // Past this line nothing can be cancelled: the images count, and only the jump or a revocation follows.
        cancellation.ThrowIfCancellationRequested();
        journal.Append(new Committed(Moment.Now()));
        Kexec.Execute();
        throw new StepFailedException("the kernel returned from the jump");
    }

    private async Task PhaseAsync(Phase phase, Func<CancellationToken, Task<string>> run, CancellationToken cancellation)
    {
        try
        {
            journal.Append(new PhaseEntered(phase, Moment.Now()));
            cancellation.ThrowIfCancellationRequested();
            string done = await run(cancellation);
            await report(new Progress(plan.Id, phase, done));
        }
        catch (OperationCanceledException cancelled) when (cancellation.IsCancellationRequested)
        {
            throw new PhaseException(phase, "it was cancelled", cancelled);
        }
        catch (Exception failed) when (failed is not PhaseException)
        {
            throw new PhaseException(phase, failed.Message, failed);
        }
    }

    private async Task DumpAsync(Dump dump)
    {
        string log = _images.Log(dump.Workload, ImageStore.DumpLog);
        try
        {
            // Not cancellable: a CRIU that is cut off in the middle of a dump can damage what it dumps.
            await dump.Criu.DumpAsync(RequestOf(dump), onScript: null, CancellationToken.None);
        }
        catch (Exception failed) when (failed is CriuException or CriuTransportException)
        {
            string excerpt = LogExcerpt.Errors(log, 1) is [var error] ? error : failed.Message;
            throw new StepFailedException($"{dump.Workload.Name} could not be dumped: {excerpt}; log: {log}", failed);
        }

        journal.Append(new Saved(dump.Workload.Name, _images.Size(dump.Workload), Moment.Now()));
    }

    private DumpRequest RequestOf(Dump dump) => new()
    {
        Pid = dump.Workload.MainPid,
        ImagesDirectory = dump.Images,
        LogFile = ImageStore.DumpLog,
        Deadline = DumpDeadline,
        // It stays as it is, frozen: a rollback only has to thaw it.
        LeaveRunning = true,
        FreezeCgroup = "/sys/fs/cgroup" + systemd.ControlGroup(dump.Workload.Unit),
        ManageCgroups = CgroupMode.Ignore,
        NetworkLock = NetworkLock.Skip,
        TcpEstablished = true,
        TcpSkipInFlight = true,
        ExtUnixSockets = true,
        FileLocks = true,
        External = [.. dump.Workload.JournalSockets.Select(socket => ExternalResource.UnixSocket((uint)socket.Inode))],
    };

    /// <summary>A CRIU in a unit of its own, so that it outlives a daemon that is killed in the middle of a dump.</summary>
    private async Task<Dump> StartCriuAsync(Workload workload, int index, CancellationToken cancellation)
    {
        var pair = SeqPacketPair.Create();
        using SafeSocketHandle theirs = pair.Theirs;
        var unit = new SystemdTransientService($"nvwa-dump-{index}.service", [plan.Server.CriuExe, "swrk", "0"])
        {
            Description = $"CRIU for {workload.Name}",
            StandardInput = theirs,
        };
        await systemd.StartTransientServiceAsync(unit, UnitDeadline, cancellation);
        return new Dump(workload, index, new CriuClient(pair.Ours), PrivateDirectory.Open(_images.Create(workload)));
    }

    /// <summary>
    /// Since Check a workload may have made a process outside of its tree: frozen with the rest, but in no dump, it would
    /// die in the jump without a word.
    /// </summary>
    private void RefuseStrays()
    {
        foreach (Workload workload in plan.Workloads)
        {
            if (ProcFs.PidsOfControlGroup(systemd.ControlGroup(workload.Unit) ?? "").Except(Members(workload)).FirstOrDefault() is > 0 and int stray)
            {
                throw new StepFailedException($"process {stray} in {workload.Unit} does not descend from {workload.MainPid}, and no dump would hold it");
            }
        }
    }

    private void LockPackets()
    {
        foreach (Dump dump in _dumps)
        {
            _lock!.Hold(LockTables.NameOf(dump.Index), LockTables.Endpoints(Endpoints(dump.Workload)));
        }
    }

    private static IReadOnlyList<KeptEndpoint> Endpoints(Workload workload) => KeptSockets.Endpoints(Members(workload));

    /// <summary>The workload's processes that live now.</summary>
    private static int[] Members(Workload workload) =>
        ProcessTree.Of(workload.MainPid) is { } tree ? [.. tree.Members.Select(member => member.Pid)] : [];

    private async Task ReleaseAsync()
    {
        foreach (Dump dump in _dumps)
        {
            await dump.Criu.DisposeAsync();
            dump.Images.Dispose();
        }

        _lock?.Dispose();
    }
}
