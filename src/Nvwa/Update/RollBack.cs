using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>
/// Brings the old kernel's host back to where it was before the update: what the journal says was begun is undone, each
/// step whatever became of the others. Run twice, it finds nothing left to do.
/// </summary>
internal sealed class RollBack(IHost host, Action<string> log)
{
    private const int Attempts = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>A unit that still hangs in its stop, which its start waits for, must not keep the operator from the answer.</summary>
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);

    private readonly List<string> _troubles = [];

    /// <param name="state">The update as its journal tells it.</param>
    /// <param name="during">The phase that failed.</param>
    /// <param name="reason">Why.</param>
    /// <returns>The record that closes the update.</returns>
    public async Task<RolledBack> RunAsync(UpdateState state, Phase during, string reason)
    {
        var images = ImageStore.Of(state);
        foreach (WorkloadState workload in state.Workloads)
        {
            Try($"set the state of {workload.Workload.Name} aside", () => host.SetAside(images, workload.Workload));
        }

        if (during == Phase.Switch || state.IsCommitted)
        {
            await RevokeAsync(state, images, reason);
        }

        Try("write the journal", () => host.Journal.Append(new PhaseEntered(Phase.RollBack, host.Now())));
        await TryAsync("wait for the CRIUs to end", host.AwaitDumpsAsync);
        var frozen = new List<WorkloadState>();
        // Of a machine nothing is touched before its save; until then its monitor is somebody else's. Not asked of the journal,
        // which may be unreadable just now.
        bool wasSaving = during is Phase.Save or Phase.Switch;
        // A machine that sleeps may have to be loaded again, for which nobody is to wait.
        foreach (WorkloadState workload in state.Workloads.Where(each => wasSaving || each.Workload.Machine is null).OrderBy(each => each.Workload.Machine is { IsSavedAsleep: true }))
        {
            if (!await InsistAsync($"thaw {workload.Workload.Unit}", () => ThawAsync(images, workload)))
            {
                frozen.Add(workload);
            }
        }

        if (during == Phase.Switch)
        {
            // The switch made journald let go of its files.
            Try("hand the journal its files back", host.ReturnJournald);
        }

        Try("unload the new kernel", host.UnloadKernel);
        List<string> restarted = [];
        await InsistAsync("start what was stopped", () => StartAsync(state.StopList, restarted));
        // The next try may need them, of a machine that can go on from its state only.
        foreach (WorkloadState workload in state.Workloads.Except(frozen))
        {
            Try($"remove the images of {workload.Workload.Name}", () => host.RemoveImages(images, workload.Workload));
        }

        Try("remove the saved network configuration", host.ForgetNetwork);
        var closing = new RolledBack(during, reason, restarted, _troubles, host.Now());
        if (frozen.Count == 0)
        {
            Try("close the journal", () =>
            {
                host.Journal.Append(closing);
                host.Journal.Archive();
            });
        }
        else
        {
            // Nobody may forget what is still frozen.
            Trouble("close the update: it stays open; 'nvwa init' or a restart of nvwa.service tries again");
        }

        return closing;
    }

    /// <summary>
    /// On disk before anything thaws: from here on the images count no more. So too where writing the commit failed: what of
    /// it reached the disk is not known. If this cannot be written either, the images must go: with them in place the next
    /// boot would give their owners a second life.
    /// </summary>
    private async Task RevokeAsync(UpdateState state, ImageStore images, string reason)
    {
        try
        {
            host.Journal.Append(new Revoked(reason));
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Trouble("revoke the commit", failed);
            foreach (WorkloadState workload in state.Workloads)
            {
                Try($"remove the images of {workload.Workload.Name} instead", () => host.RemoveImages(images, workload.Workload));
            }

            if (!await TryAsync("bring that to disk", () => host.SyncAsync(CancellationToken.None)))
            {
                Trouble("take the commit back: it stands on the disk, and the next boot would restore what goes on running here; "
                    + "do not reboot before 'rm -r' of the images succeeds: " + images.Root);
            }
        }
    }

    private async Task ThawAsync(ImageStore images, WorkloadState workload)
    {
        if (await host.ThawAsync(images, workload.Workload) is { } trouble)
        {
            Trouble($"take everything back: {trouble}");
        }
    }

    /// <summary>
    /// Starts what Quiesce stopped; names what really was down. All of the list is started: a stop that is still queued
    /// behind another would otherwise come after everything is said to run.
    /// </summary>
    private async Task StartAsync(IReadOnlyList<string> stopped, List<string> down)
    {
        down.AddRange(stopped.Where(host.IsDown).Except(down));
        IReadOnlyDictionary<string, SystemdJobResult> results = await host.StartAllAsync(stopped, StartDeadline, CancellationToken.None);
        _troubles.AddRange(results.Where(result => !result.Value.IsDone).Select(result => $"start {result.Key}: {result.Value.Detail ?? result.Value.Result}; see: journalctl -u {result.Key}"));
    }

    private void Try(string what, Action step)
    {
        try
        {
            step();
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Trouble(what, failed);
        }
    }

    private async Task<bool> TryAsync(string what, Func<Task> step)
    {
        try
        {
            await step();
            return true;
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Trouble(what, failed);
            return false;
        }
    }

    /// <summary>What must not be left undone for one answer that did not come.</summary>
    private async Task<bool> InsistAsync(string what, Func<Task> step)
    {
        for (int attempt = 1; attempt < Attempts; attempt++)
        {
            try
            {
                await step();
                return true;
            }
            catch (Exception failed) when (failed is not OutOfMemoryException)
            {
                log($"rollback: {what}: {failed.Message}, trying again");
                await host.PauseAsync(Pause, CancellationToken.None);
            }
        }

        return await TryAsync(what, step);
    }

    private void Trouble(string what, Exception failed) => Trouble($"{what}: {failed.Message}");

    /// <summary>One step that fails must not keep the others from being done.</summary>
    private void Trouble(string trouble)
    {
        _troubles.Add(trouble);
        log($"rollback: could not {trouble}, going on");
    }
}
