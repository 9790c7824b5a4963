using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.State;

namespace Nvwa.Restore;

/// <summary>
/// <c>nvwa resume NAME</c>: the start of one kept workload on the new kernel, run by its unit in its own cgroup.
/// <code>
///   saved -> attempted -> resuming -> restored
///                |            |
///                +------------+--> cold-started (services), lost (processes)
/// </code>
/// The record "resuming" is on disk before CRIU lets the workload run. A start that finds it there, or finds nothing to
/// restore, is a cold start: a saved workload runs at most once.
/// </summary>
internal sealed class Resume(IHost host, Action<string> log)
{
    /// <summary>For what is in the way to go away by itself.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    /// <summary>For whoever configures the network to bring an address up.</summary>
    private static readonly TimeSpan AddressPatience = TimeSpan.FromSeconds(20);

    /// <summary>For the link that it is on to come up.</summary>
    private static readonly TimeSpan LinkPatience = TimeSpan.FromSeconds(100);

    /// <summary>systemd is told to start the unit anew and ends us; it does so at once.</summary>
    private static readonly TimeSpan ReplacedDeadline = TimeSpan.FromMinutes(2);

    /// <summary>The unit that restores a kept process.</summary>
    public static string UnitOf(Workload process) => $"nvwa-resume@{process.Name}.service";

    public async Task<ExitCode> RunAsync(string name, CancellationToken cancellation)
    {
        UpdateState? state = host.Journal.Read();
        if (state?.Find(name) is not { } found || state.Next(host.BootId) != NextStep.Restore)
        {
            log($"resume: no update waits to restore {name}");
            return ExitCode.Usage;
        }

        if (found.ResumedIn == host.BootId && await AliveAsync(found, cancellation) is { } alive)
        {
            // Its restore was ended after it had done its work, and its unit was started once more.
            return Run(found.Workload, new RestoredProcess(alive));
        }

        if (found.Obstacle(host.BootId) is { } obstacle)
        {
            return await GiveUpAsync(state, found.Workload, obstacle, cancellation);
        }

        RestoredProcess restored;
        try
        {
            await Task.WhenAll(AwaitAddressesAsync(state, found, cancellation), host.VerifyImagesAsync(ImageStore.Of(state), found, cancellation));
            restored = await RestoreAsync(state, found.Workload, cancellation);
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed) && !cancellation.IsCancellationRequested)
        {
            if (found.Workload.Machine is not null && host.Journal.Read()?.Find(name) is { Attempts: > 0 } tried && tried.IsPending(host.BootId))
            {
                // A QEMU takes no second state. The daemon starts the unit once more, and with it another QEMU: that of before,
                // as the generator sees in the journal.
                BestEffort(host.Reload);
                log($"resume {name}: {failed.Message}, to be tried again with another QEMU");
                return ExitCode.Failed;
            }

            return await GiveUpAsync(state, found.Workload, failed.Message, cancellation);
        }

        return Run(found.Workload, restored);
    }

    private async Task<int?> AliveAsync(WorkloadState workload, CancellationToken cancellation) => workload.Step == WorkloadStep.Resuming
        ? await host.FinishRestoreAsync(workload.Workload, cancellation)
        : host.IsAlive(workload.Workload, workload.MainPid) ? workload.MainPid : null;

    /// <summary>It runs: whatever fails from here on must not make systemd end it for a start that failed.</summary>
    private ExitCode Run(Workload workload, RestoredProcess restored)
    {
        BestEffort(() => host.Journal.Append(new Restored(workload.Name, restored.MainPid, restored.Running ?? host.Now())));
        if (workload.Kind == WorkloadKind.Service)
        {
            BestEffort(() => host.Announce(workload, restored.MainPid));
        }

        BestEffort(host.TellLockHolder);
        return ExitCode.Done;
    }

    /// <summary>
    /// An address that nobody brings up, because it was set by hand, is brought up here, unless another host has taken it over
    /// meanwhile (VRRP, a lease). Networks that come up late are no reason to lose a workload; one that does not come up at all is.
    /// </summary>
    private async Task AwaitAddressesAsync(UpdateState state, WorkloadState workload, CancellationToken cancellation)
    {
        try
        {
            await host.AwaitAddressesAsync(workload.Endpoints, AddressPatience, cancellation);
        }
        catch (TimeoutException late)
        {
            log($"resume {workload.Workload.Name}: {late.Message}, bringing it up as it was");
            IReadOnlyList<string> reasons = await host.BringUpAsync(state.Addresses, workload.Endpoints, cancellation);
            foreach (string reason in reasons)
            {
                log($"resume {workload.Workload.Name}: {reason}, waiting once more");
            }

            try
            {
                await host.AwaitAddressesAsync(workload.Endpoints, LinkPatience, cancellation);
            }
            catch (TimeoutException missing) when (reasons.Count > 0)
            {
                throw new TimeoutException($"{missing.Message}: {string.Join("; ", reasons)}", missing);
            }
        }
    }

    private async Task<RestoredProcess> RestoreAsync(UpdateState state, Workload workload, CancellationToken cancellation)
    {
        while (true)
        {
            host.Journal.Append(new Attempted(workload.Name, host.BootId, host.Now()));
            try
            {
                return await host.RestoreAsync(state, workload, () => Consume(workload), cancellation);
            }
            catch (StepFailedException failed) when (failed.CanPass && host.Journal.Read()?.Find(workload.Name)?.Obstacle(host.BootId) is null)
            {
                log($"resume {workload.Name}: {failed.Message}, trying again in {RetryPause.TotalSeconds} s");
                await host.PauseAsync(RetryPause, cancellation);
            }
        }
    }

    /// <summary>From here on the images count no more. Until here the daemon may have given the workload up.</summary>
    private void Consume(Workload workload) => host.Journal.Append(
        new Resuming(workload.Name, host.BootId, host.Now()),
        state => state.Find(workload.Name)?.Step == WorkloadStep.Attempted ? null : "it was given up while it was being restored");

    private void BestEffort(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            log($"resume: {failed.Message}, going on");
        }
    }

    /// <summary>A service is started as after a reboot, without failing what depends on it; a process is reported.</summary>
    private async Task<ExitCode> GiveUpAsync(UpdateState state, Workload workload, string reason, CancellationToken cancellation)
    {
        bool service = workload.Kind == WorkloadKind.Service;
        log($"resume: {workload.Name} cannot be restored: {reason}");
        if (!service)
        {
            // What is left of it is in its scope, not in our unit: a second one must not come beside it.
            await host.StopOnlyAsync([workload.Unit], cancellation);
        }

        host.Journal.Append(new NotRestored(
            workload.Name, service ? Fate.ColdStarted : Fate.Lost, reason, host.LastLog(ImageStore.Of(state), workload), host.Now()));
        BestEffort(host.TellLockHolder);
        if (!service)
        {
            return ExitCode.Failed;
        }

        // Without its drop-in the unit is what it was; the restart replaces the start job that is waiting for us, so that
        // units ordered after this one go on waiting.
        host.Reload();
        host.Restart(workload.Unit);
        await host.PauseAsync(ReplacedDeadline, cancellation);
        return ExitCode.Failed;
    }
}
