using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Restore;

/// <summary>
/// The daemon's part after a switch: starts every kept workload (systemd may already be at it), waits until each is
/// settled, and closes the update.
/// </summary>
internal sealed class RestoreRun(IHost host, Action<string> log)
{
    /// <summary>More than CRIU may take.</summary>
    private static readonly TimeSpan RestoreDeadline = TimeSpan.FromMinutes(35);

    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(5);

    private readonly List<string> _troubles = [];

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        host.Journal.Append(new Arrived(host.BootId, host.Release, host.Now()));
        host.Journal.Append(new PhaseEntered(Phase.Restore, host.Now()));
        // systemd may be at it, in any state up to READY=1: a start waits for that.
        await StartAsync(workload => workload.Step is not (WorkloadStep.ColdStarted or WorkloadStep.Lost), cancellation);
        // What died on the way, before its images were consumed, is tried once more.
        await StartAsync(workload => workload.IsPending(host.BootId), cancellation);
        await SettleTheRestAsync(cancellation);
        await SettleNetworkAsync(cancellation);
        host.Journal.Append(new PhaseEntered(Phase.Confirm, host.Now()));
        // What takes time comes before the last look at who lives.
        RemoveImages(host.Journal.Read()!);
        RtcTick? tick = await host.TickAsync(cancellation);
        await GiveUpTheDeadAsync(cancellation);
        await StartTheColdAsync(cancellation);
        return await CloseAsync(host.Journal.Read()!, tick, cancellation);
    }

    /// <summary>Services by their own unit, processes by one of ours each: nothing of ours is around them.</summary>
    private async Task StartAsync(Func<WorkloadState, bool> which, CancellationToken cancellation)
    {
        string[] units = [.. host.Journal.Read()!.Workloads.Where(which).Select(UnitOf)];
        if (units.Length > 0)
        {
            await host.StartAllAsync(units, RestoreDeadline, cancellation);
        }
    }

    /// <summary>A restore that ended without a word (killed, or never run) is no restore.</summary>
    private async Task SettleTheRestAsync(CancellationToken cancellation)
    {
        foreach (WorkloadState resumed in host.Journal.Read()!.Workloads.Where(workload => workload.Step == WorkloadStep.Resuming && workload.ResumedIn == host.BootId))
        {
            if (await host.FinishRestoreAsync(resumed.Workload, cancellation) is { } pid)
            {
                // Only its last record is missing.
                host.Journal.Append(new Restored(resumed.Workload.Name, pid, host.Now()));
                host.TellLockHolder();
            }
        }

        await GiveUpAsync(
            [.. host.Journal.Read()!.Workloads.Where(workload => !workload.IsSettled)],
            workload => workload.Obstacle(host.BootId) ?? $"its restore did not finish; see: journalctl -b -u {UnitOf(workload)}",
            cancellation);
    }

    /// <summary>Its unit has ended long ago, unless it never ran, or was killed.</summary>
    private async Task SettleNetworkAsync(CancellationToken cancellation)
    {
        // Asked first: one that is just being stopped writes its own record before it ends.
        if (host.Journal.Read()!.Network is { Step: NetworkStep.Saved or NetworkStep.Attempted })
        {
            await host.StopOnlyAsync([NetworkRestore.Unit], cancellation);
        }

        if (host.Journal.Read()!.Network is { Step: not NetworkStep.NotRestored } network && !network.IsRestoredIn(host.BootId))
        {
            string reason = network.Step == NetworkStep.Attempted ? network.Obstacle(host.BootId)! : "nobody began to apply it";
            host.Journal.Append(new NetworkNotRestored(host.BootId, reason, host.Now()));
        }
    }

    /// <summary>What ended between its restore and now was not kept; nobody else would start it, and the operator must read it.</summary>
    private Task GiveUpTheDeadAsync(CancellationToken cancellation) => GiveUpAsync(
        [.. host.Journal.Read()!.Workloads.Where(workload => workload.Step == WorkloadStep.Restored && !(workload.ResumedIn == host.BootId && host.IsAlive(workload.Workload, workload.MainPid)))],
        workload => workload.ResumedIn == host.BootId
            ? $"it ended soon after its restore; see: journalctl -b -u {workload.Workload.Unit}"
            : workload.Obstacle(host.BootId)!,
        cancellation);

    private async Task GiveUpAsync(WorkloadState[] given, Func<WorkloadState, string> reason, CancellationToken cancellation)
    {
        if (given.Length == 0)
        {
            return;
        }

        // First of all: somebody may just have started it again, and what is given up must not come to life after that.
        // Of a process also the scope: what is left of it is there.
        await host.StopOnlyAsync([.. given.Select(UnitOf), .. given.Where(workload => workload.Workload.Kind == WorkloadKind.Process).Select(workload => workload.Workload.Unit)], cancellation);
        foreach (WorkloadState workload in given)
        {
            Fate fate = workload.Workload.Kind == WorkloadKind.Service ? Fate.ColdStarted : Fate.Lost;
            string? lastLog = host.LastLog(ImageStore.Of(host.Journal.Read()!), workload.Workload);
            host.Journal.Append(new NotRestored(workload.Workload.Name, fate, reason(workload), lastLog, host.Now()));
        }

        // Without their drop-ins services are what they were.
        host.Reload();
    }

    private static string UnitOf(WorkloadState workload) =>
        workload.Workload.Kind == WorkloadKind.Service ? workload.Workload.Unit : Resume.UnitOf(workload.Workload);

    /// <summary>
    /// The record comes before the start: whoever wrote it, a restore or a daemon, may not have lived to see to it.
    /// </summary>
    private async Task StartTheColdAsync(CancellationToken cancellation)
    {
        string[] cold = [.. host.Journal.Read()!.Workloads.Where(workload => workload.Step == WorkloadStep.ColdStarted).Select(workload => workload.Workload.Unit)];
        if (cold.Length == 0)
        {
            return;
        }

        IReadOnlyDictionary<string, SystemdJobResult> results = await host.StartAllAsync(cold, StartDeadline, cancellation);
        // Their starts may have failed with the restore that they waited for.
        await host.StartAllAsync(host.DownDependents(cold), StartDeadline, cancellation);
        _troubles.AddRange(results.Where(result => !result.Value.IsDone)
            .Select(result => $"{result.Key} could not be started cold: {result.Value.Detail ?? result.Value.Result}; see: journalctl -b -u {result.Key}"));
    }

    private void RemoveImages(UpdateState state)
    {
        foreach (Workload workload in state.Workloads.Select(workload => workload.Workload).Where(_ => !state.Opening.Debug))
        {
            Try($"remove the images of {workload.Name}", () => host.RemoveImages(ImageStore.Of(state), workload));
        }
    }

    private async Task<Outcome> CloseAsync(UpdateState state, RtcTick? tick, CancellationToken cancellation)
    {
        foreach (WorkloadState workload in state.Workloads)
        {
            log(Tell(workload));
        }

        if (state.PanicTimeout is { } seconds)
        {
            Try("set kernel.panic back", () => host.PanicTimeout = seconds);
        }

        NameChangedUnits(state);
        bool wasLocked = !host.HasFailed(LockHolder.Unit);
        if (!wasLocked)
        {
            _troubles.Add($"the packet lock could not be held, connections may have been reset; see: journalctl -b -u {LockHolder.Unit}");
        }

        if (state.Network is { Step: NetworkStep.NotRestored } network)
        {
            _troubles.Add($"the network configuration was not restored, it is what this host's own configuration makes of it: {network.Reason}; see: journalctl -b -u {NetworkRestore.Unit}");
        }

        _troubles.AddRange(state.Network?.Notes.Select(note => $"network: {note}") ?? []);
        bool isNetworkRestored = state.Network?.IsRestoredIn(host.BootId) ?? true;
        Outcome outcome = wasLocked && isNetworkRestored && state.Workloads.All(workload => workload.Step == WorkloadStep.Restored) ? Outcome.Updated : Outcome.Degraded;
        host.Journal.Append(new Closed(outcome, tick, host.Now(), _troubles));
        await FinishAsync(host, state, cancellation);
        return outcome;
    }

    /// <summary>
    /// After the last record: the generator writes nothing any more. The journal goes to the history last, so that a daemon
    /// that ends in between finds what is left to do.
    /// </summary>
    public static async Task FinishAsync(IHost host, UpdateState state, CancellationToken cancellation)
    {
        foreach (Workload process in state.Workloads.Select(workload => workload.Workload).Where(workload => workload.Kind == WorkloadKind.Process))
        {
            // A restore that failed is told by the update; it must not keep the host "degraded" in systemd's eyes for ever.
            host.Forget(Resume.UnitOf(process));
        }

        host.Reload();
        host.Stop(LockHolder.Unit);
        host.Forget(NetworkRestore.Unit);
        host.ForgetNetwork();
        // Until now their drop-ins kept systemd from starting them again, and a boot may not have them among its own.
        string[] services = [.. state.Workloads.Where(workload => workload.Workload.Kind == WorkloadKind.Service).Select(workload => workload.Workload.Unit)];
        await host.StartAllAsync(services, StartDeadline, cancellation);
        await host.ApplySettingsAsync(services, cancellation);
        host.Journal.Archive();
    }

    /// <summary>As by a package that was upgraded meanwhile: the process that came back was started by another unit.</summary>
    private void NameChangedUnits(UpdateState state)
    {
        foreach (Workload workload in state.Workloads.Where(workload => workload.Step == WorkloadStep.Restored).Select(workload => workload.Workload))
        {
            Try($"look at the unit files of {workload.Name}", () =>
            {
                if (workload.UnitFiles is { } files && files != host.DigestOfUnitFiles(workload.Unit))
                {
                    _troubles.Add($"{workload.Unit} changed on disk while the service was saved; it goes on as it was started: systemctl restart {workload.Unit}");
                }
            });
        }
    }

    /// <summary>What is left over must not keep the update open.</summary>
    private void Try(string what, Action step)
    {
        try
        {
            step();
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            _troubles.Add($"{what}: {failed.Message}");
            log($"could not {_troubles[^1]}, going on");
        }
    }

    private static string Tell(WorkloadState workload) => workload switch
    {
        { Step: not WorkloadStep.Restored } => $"{workload.Workload.Name} was not restored ({workload.Step}): {workload.Reason}",
        _ => $"{workload.Workload.Name} is restored as process {workload.MainPid}",
    };
}
