using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Restore;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Daemon;

/// <summary>What a daemon does first: whatever the journal says that an earlier one left to do.</summary>
internal sealed class Recovery(IHost host, Action<string> log)
{
    private const int Attempts = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Every step can be done twice; one that failed, as for a full disk, must not leave the update open.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await RunOnceAsync(cancellation);
                return;
            }
            catch (Exception failed) when (StepFailedException.IsExpected(failed) && !cancellation.IsCancellationRequested && attempt < Attempts)
            {
                log($"what the journal asks for could not be done: {failed.Message}, trying again");
                await host.PauseAsync(Pause, cancellation);
            }
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellation)
    {
        UpdateState? state = host.Journal.Read();
        switch (state?.Next(host.BootId) ?? NextStep.Nothing)
        {
            case NextStep.Restore:
                Outcome outcome = await new RestoreRun(host, log).RunAsync(cancellation);
                log($"update {state!.Id}: {outcome}");
                break;
            case NextStep.RollBack:
                await new RollBack(host, log).RunAsync(state!, state!.LastForwardPhase, "the daemon ended while it ran");
                break;
            case NextStep.CloseInterrupted:
                await CloseInterruptedAsync(state!, cancellation);
                break;
            case NextStep.Nothing when state is not null && host.Journal.IsInPlace:
                // A crash between the last record and the move to the history.
                await RestoreRun.FinishAsync(host, state!, cancellation);
                break;
            default:
                break;
        }
    }

    /// <summary>What was saved does not count; the host came up as after any reboot.</summary>
    private async Task CloseInterruptedAsync(UpdateState state, CancellationToken cancellation)
    {
        string reason = state.RevokedBecause is { } revoked
            ? $"the machine went down while the update was rolled back ({revoked})"
            : $"the machine went down in {state.Phase}, before the switch";
        var images = ImageStore.Of(state);
        foreach (Workload workload in state.Workloads.Select(workload => workload.Workload))
        {
            host.RemoveImages(images, workload);
            Fate fate = workload.Kind == WorkloadKind.Service ? Fate.ColdStarted : Fate.Lost;
            host.Journal.Append(new NotRestored(workload.Name, fate, reason, host.LastLog(images, workload), host.Now()));
        }

        host.Journal.Append(new Closed(Outcome.Interrupted, null, host.Now()));
        await RestoreRun.FinishAsync(host, state, cancellation);
        log($"update {state.Id}: {reason}");
    }
}
