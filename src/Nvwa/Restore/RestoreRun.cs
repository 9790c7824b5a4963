using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Restore;

/// <summary>
/// The daemon's part after a switch: starts every kept workload (systemd may already be at it), waits until each is
/// settled, and closes the update.
/// </summary>
internal sealed class RestoreRun(UpdateJournal journal, SystemdBus systemd, string bootId, Action<string> log)
{
    private static readonly TimeSpan RestoreDeadline = TimeSpan.FromMinutes(35);

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        journal.Append(new Arrived(bootId, ProcFs.KernelRelease, Moment.Now()));
        journal.Append(new PhaseEntered(Phase.Restore, Moment.Now()));
        UpdateState state = journal.Read()!;
        await Task.WhenAll(RestoreProcessesAsync(state, cancellation), StartServicesAsync(state, cancellation));
        await SettleTheRestAsync(journal.Read()!, cancellation);
        await ReviveTheDeadAsync(journal.Read()!, cancellation);
        journal.Append(new PhaseEntered(Phase.Confirm, Moment.Now()));
        return await ConfirmAsync(journal.Read()!, cancellation);
    }

    /// <summary>Processes are restored by a unit of their own each: nothing of ours is around them.</summary>
    private Task<IReadOnlyDictionary<string, SystemdJobResult>> RestoreProcessesAsync(UpdateState state, CancellationToken cancellation) => systemd.StartAllAsync(
        [.. state.Workloads
            .Where(workload => workload.Workload.Kind == WorkloadKind.Process && workload.IsPending)
            .Select(workload => Resume.UnitOf(workload.Workload))],
        RestoreDeadline,
        cancellation);

    private Task<IReadOnlyDictionary<string, SystemdJobResult>> StartServicesAsync(UpdateState state, CancellationToken cancellation) => systemd.StartAllAsync(
        [.. state.Workloads.Where(workload => workload.Workload.Kind == WorkloadKind.Service && !workload.IsSettled).Select(workload => workload.Workload.Unit)],
        RestoreDeadline,
        cancellation);

    /// <summary>A restore that ended without a word (killed, or never run) is no restore.</summary>
    private async Task SettleTheRestAsync(UpdateState state, CancellationToken cancellation)
    {
        foreach (WorkloadState running in state.Workloads.Where(workload => workload.Step == WorkloadStep.Resuming && IsAlive(workload.Workload, workload.Workload.MainPid)))
        {
            // Only its last record is missing.
            journal.Append(new Restored(running.Workload.Name, running.Workload.MainPid, Moment.Now()));
        }

        state = journal.Read()!;
        WorkloadState[] silent = [.. state.Workloads.Where(workload => !workload.IsSettled)];
        foreach (WorkloadState workload in silent)
        {
            Fate fate = workload.Workload.Kind == WorkloadKind.Service ? Fate.ColdStarted : Fate.Lost;
            string reason = workload.Step == WorkloadStep.Resuming
                ? "its restore was interrupted after its images were consumed"
                : $"its restore did not finish; see: journalctl -u {workload.Workload.Unit} -b";
            journal.Append(new NotRestored(workload.Workload.Name, fate, reason, null, Moment.Now()));
        }

        string[] services = [.. silent.Where(workload => workload.Workload.Kind == WorkloadKind.Service).Select(workload => workload.Workload.Unit)];
        if (services.Length > 0)
        {
            systemd.Reload();
            foreach (string unit in services)
            {
                systemd.Stop(unit);
            }

            await systemd.StartAllAsync(services, RestoreDeadline, cancellation);
        }
    }

    /// <summary>What ended between its restore and now was not kept; nobody else would start it, and the operator must read it.</summary>
    private async Task ReviveTheDeadAsync(UpdateState state, CancellationToken cancellation)
    {
        WorkloadState[] dead = [.. state.Workloads.Where(workload => workload.Step == WorkloadStep.Restored && !IsAlive(workload.Workload, workload.MainPid))];
        foreach (WorkloadState workload in dead)
        {
            Fate fate = workload.Workload.Kind == WorkloadKind.Service ? Fate.ColdStarted : Fate.Lost;
            string reason = $"it ended soon after its restore; see: journalctl -b -u {workload.Workload.Unit}";
            journal.Append(new NotRestored(workload.Workload.Name, fate, reason, null, Moment.Now()));
        }

        string[] services = [.. dead.Where(workload => workload.Workload.Kind == WorkloadKind.Service).Select(workload => workload.Workload.Unit)];
        if (services.Length > 0)
        {
            systemd.Reload();
            await systemd.StartAllAsync(services, RestoreDeadline, cancellation);
        }
    }

    /// <summary>Its main process runs, in its unit.</summary>
    private bool IsAlive(Workload workload, int mainPid) =>
        ProcFs.Read(mainPid) is { State: not 'Z', ControlGroup: { } group }
        && systemd.ControlGroup(workload.Unit) is { } unit && group.StartsWith(unit, StringComparison.Ordinal);

    private async Task<Outcome> ConfirmAsync(UpdateState state, CancellationToken cancellation)
    {
        var store = new ImageStore(Path.GetDirectoryName(state.Opening.ImagesDirectory)!, state.Id);
        foreach (WorkloadState workload in state.Workloads)
        {
            log(Tell(workload));
            if (workload.Workload.Kind == WorkloadKind.Process)
            {
                systemd.Stop(Resume.UnitOf(workload.Workload));
            }

            if (!state.Opening.Debug)
            {
                store.RemoveImages(workload.Workload);
            }
        }

        RtcReading? rtc = await RtcClock.MeasureAsync(cancellation);
        Outcome outcome = state.Workloads.All(workload => workload.Step == WorkloadStep.Restored) ? Outcome.Updated : Outcome.Degraded;
        journal.Append(new Closed(outcome, rtc is { } reading ? new RtcTick(reading.RtcSeconds, reading.BoottimeNanoseconds) : null, Moment.Now()));
        journal.Archive();
        // The journal is closed, so the generator writes nothing any more.
        systemd.Reload();
        systemd.Stop(LockHolder.Unit);
        return outcome;
    }

    private static string Tell(WorkloadState workload) => workload switch
    {
        { Step: not WorkloadStep.Restored } => $"{workload.Workload.Name} was not restored ({workload.Step}): {workload.Reason}",
        _ => $"{workload.Workload.Name} is restored as process {workload.MainPid}",
    };
}
