using Nvwa.Api;
using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>A phase failed; the update is rolled back.</summary>
internal sealed class PhaseException(Phase phase, string reason, Exception cause) : Exception(reason, cause)
{
    public Phase Phase { get; } = phase;
}

/// <summary>
/// One update from Load to the jump, as a flat list of phases. It returns only if a phase failed and everything was rolled
/// back: after the jump nobody is left to return to.
/// </summary>
internal sealed class UpdateRun(UpdatePlan plan, IHost host, Func<Progress, Task> report, Action<string> log)
{
    /// <summary>A journal record holds no more.</summary>
    private const int EndpointsPerRecord = 4096;

    /// <summary>For connections to be accepted.</summary>
    public static readonly TimeSpan SettleDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(50);

    private readonly IUpdateJournal _journal = host.Journal;
    private readonly ImageStore _images = new(plan.Server.CriuDir, plan.Id);
    private readonly List<IDumper> _dumpers = [];
    private IPacketLock? _lock;

    public async Task<RolledBack> RunAsync(CancellationToken cancellation)
    {
        var opened = new Opened(
            plan.Id, host.Release, plan.Kernel.Version, host.BootId, _images.Root, plan.Server.CriuExe, plan.Restore.DebugMode, host.Now());
        try
        {
            Begin(opened);
            await PhaseAsync(Phase.Load, LoadAsync, cancellation);
            await PhaseAsync(Phase.Prepare, PrepareAsync, cancellation);
            await PhaseAsync(Phase.Quiesce, QuiesceAsync, cancellation);
            await PhaseAsync(Phase.Save, SaveAsync, cancellation);
            await PhaseAsync(Phase.Switch, SwitchAsync, cancellation);
            throw new PhaseException(Phase.Switch, "the run ended without a switch", new StepFailedException("no jump"));
        }
        catch (PhaseException failed)
        {
            await ReleaseAsync();
            // What no collaborator's failure explains is a bug, and needs its trace.
            log($"{failed.Phase} failed: {(StepFailedException.IsExpected(failed.InnerException!) ? failed.Message : failed.InnerException)}");
            return await new RollBack(host, log).RunAsync(Undo(opened), failed.Phase, failed.Message);
        }
    }

    private void Begin(Opened opened)
    {
        try
        {
            // With the plan: whoever finds this journal after a crash can name what it is about.
            _journal.Begin(opened, new Planned(plan.Workloads, plan.StopList, null, host.PanicTimeout));
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            throw new PhaseException(Phase.Load, $"the journal could not be begun: {failed.Message}", failed);
        }
    }

    /// <summary>What a rollback has to undo; a journal that cannot be read now, as on a failing disk, must not keep anything frozen.</summary>
    private UpdateState Undo(Opened opened)
    {
        var planned = new Planned(plan.Workloads, plan.StopList, null);
        try
        {
            // Without one of ours nothing was begun.
            return _journal.Read() is { } state && state.Id == plan.Id ? state : UpdateState.Of([opened, planned])!;
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            log($"the journal cannot be read: {failed.Message}; rolling back by the plan");
        }

        // The worst is assumed: that a commit stands in it.
        return UpdateState.Of([opened, planned, new Committed(host.Now())])!;
    }

    private Task<string> LoadAsync(CancellationToken cancellation) => host.LoadKernelAsync(plan, cancellation);

    /// <summary>Everything that can be done while the workloads serve: CRIUs that wait, the hardware clock, the plan on disk.</summary>
    private async Task<string> PrepareAsync(CancellationToken cancellation)
    {
        Task<RtcTick?> tick = host.TickAsync(cancellation);
        _lock = host.OpenPacketLock();
        host.RemoveEarlierImages(_images);
        foreach ((int index, Workload workload) in plan.Workloads.Index())
        {
            await host.GatherAsync(workload, cancellation);
            _dumpers.Add(await host.PrepareDumpAsync(plan, index, cancellation));
        }

        foreach (KeptAddress[] addresses in host.Addresses().Chunk(EndpointsPerRecord))
        {
            _journal.Append(new Addressed(addresses));
        }

        if (plan.Restore.RestoreNet)
        {
            // Before anything is stopped: with its service goes what it had set up.
            SavedNetwork network = await host.SaveNetworkAsync(cancellation);
            _journal.Append(new NetworkSaved(network.Bytes, network.Digest, host.Now()));
        }

        _journal.Append(new Planned(plan.Workloads, plan.StopList, await tick, host.PanicTimeout));
        return $"{plan.Workloads.Count} workloads, {plan.StopList.Count} units to stop";
    }

    private async Task<string> QuiesceAsync(CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, SystemdJobResult> results = await host.StopAllAsync(plan.StopList, cancellation);
        string[] stuck = [.. results.Where(result => result.Value.Result is not (SystemdJobResult.Done or "skipped" or "failed")).Select(result => $"{result.Key} ({result.Value.Detail ?? result.Value.Result})")];
        return stuck.Length == 0
            ? $"{plan.StopList.Count} units are stopped"
            : throw new StepFailedException($"these units did not stop: {string.Join(", ", stuck)}");
    }

    /// <summary>
    /// Settle, lock, freeze all, and only then dump: a workload that still ran could talk to, or write files of, one that is
    /// already dumped.
    /// </summary>
    private async Task<string> SaveAsync(CancellationToken cancellation)
    {
        await SettleAsync(cancellation);
        LockPackets();
        Stamp began = host.Now();
        await Task.WhenAll(plan.Workloads.Where(workload => workload.Machine is null).Select(workload => host.FreezeAsync(workload, cancellation)));
        // What was accepted between the lock and the freeze.
        LockPackets();
        RefuseStrays();
        RefuseLost();
        _journal.Append(new AllFrozen(began, host.Now()));
        foreach (Workload workload in plan.Workloads)
        {
            foreach (KeptEndpoint[] endpoints in host.Endpoints(workload).Chunk(EndpointsPerRecord))
            {
                _journal.Append(new Locked(workload.Name, endpoints));
            }
        }

        long[] bytes = await Task.WhenAll(_dumpers.Select(dumper => SaveAsync(dumper, cancellation)));
        return $"{bytes.Sum() >> 20} MiB";
    }

    private async Task<long> SaveAsync(IDumper dumper, CancellationToken cancellation)
    {
        DumpedImages images = await dumper.DumpAsync(cancellation);
        _journal.Append(new Saved(dumper.Workload.Name, images.Bytes, host.Now(), images.Digest, images.Stopped));
        return images.Bytes;
    }

    private async Task<string> SwitchAsync(CancellationToken cancellation)
    {
        host.RelinquishJournald();
        await host.SyncAsync(cancellation);
        await report(new Progress(plan.Id, Phase.Switch, $"jumping; follow with: nvwa status --wait {plan.Id}"));
        // Past this line nothing can be cancelled: the images count, and only the jump or a revocation follows.
        cancellation.ThrowIfCancellationRequested();
        await Task.WhenAll(_dumpers.Select(dumper => dumper.ConfirmAsync()));
        _journal.Append(new Committed(host.Now()));
        host.Jump();
        throw new StepFailedException("the kernel returned from the jump");
    }

    private async Task PhaseAsync(Phase phase, Func<CancellationToken, Task<string>> run, CancellationToken cancellation)
    {
        try
        {
            _journal.Append(new PhaseEntered(phase, host.Now()));
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

    /// <summary>
    /// Since Check a workload may have made a process outside of its tree: frozen with the rest, but in no dump, it would
    /// die in the jump without a word.
    /// </summary>
    private void RefuseStrays()
    {
        foreach (Workload workload in plan.Workloads)
        {
            if (host.Stray(workload) is { } stray)
            {
                throw new StepFailedException($"process {stray} in {workload.Unit} does not descend from {workload.MainPid}, and no dump would hold it");
            }
        }
    }

    /// <summary>
    /// What is connected, but not accepted, is in no process, and in no dump; neither is what was closed and is still being
    /// sent. So new connections are held back first, and these come to their end while everything runs.
    /// </summary>
    private async Task SettleAsync(CancellationToken cancellation)
    {
        foreach ((int index, Workload workload) in plan.Workloads.Index())
        {
            _lock!.HoldNewcomers(index, host.Endpoints(workload));
        }

        for (TimeSpan waited = TimeSpan.Zero; waited < SettleDeadline && host.Unsettled(plan.Workloads).Count > 0; waited += SettlePause)
        {
            await host.PauseAsync(SettlePause, cancellation);
        }
    }

    /// <summary>What came since Check, and the new kernel would reset, or CRIU refuse to restore.</summary>
    private void RefuseLost()
    {
        if (plan.Workloads.SelectMany(host.Endpoints).FirstOrDefault(endpoint => endpoint.RemoteEndPoint() is { Address.IsIPv6LinkLocal: true }) is { } linkLocal)
        {
            throw new StepFailedException($"the connection to {linkLocal.Remote} over a link-local address could not be restored");
        }

        if (host.Unsettled(plan.Workloads).Unaccepted is { } address)
        {
            throw new StepFailedException($"a connection to {address} waits to be accepted, and was not in {SettleDeadline.TotalSeconds} s; the service is overloaded, or hangs");
        }
    }

    private void LockPackets()
    {
        foreach ((int index, Workload workload) in plan.Workloads.Index())
        {
            _lock!.Hold(index, host.Endpoints(workload));
        }
    }

    private async Task ReleaseAsync()
    {
        _lock?.Dispose();
        foreach (IDumper dumper in _dumpers)
        {
            try
            {
                await dumper.DisposeAsync();
            }
            catch (Exception failed) when (StepFailedException.IsExpected(failed))
            {
                log($"{dumper.Workload.Name}: {failed.Message}, going on");
            }
        }
    }
}
