using Microsoft.Win32.SafeHandles;
using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>
/// Brings the old kernel's host back to where it was before the update: what the journal says was begun is undone, each
/// step whatever became of the others. Run twice, it finds nothing left to do.
/// </summary>
internal sealed class RollBack(UpdateJournal journal, SystemdBus systemd, Action<string> log)
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DumpDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ThawDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan JournaldDeadline = TimeSpan.FromSeconds(10);

    private readonly List<string> _troubles = [];

    /// <param name="state">The update as its journal tells it.</param>
    /// <param name="during">The phase that failed.</param>
    /// <param name="reason">Why.</param>
    /// <returns>The record that closes the update.</returns>
    public async Task<RolledBack> RunAsync(UpdateState state, Phase during, string reason)
    {
        var store = new ImageStore(Path.GetDirectoryName(state.Opening.ImagesDirectory)!, state.Id);
        if (state.IsCommitted)
        {
            Revoke(state, store, reason);
        }

        Try("write the journal", () => journal.Append(new PhaseEntered(Phase.RollBack, Moment.Now())));
        await TryAsync("wait for the CRIUs to end", AwaitDumpsAsync);
        foreach (WorkloadState workload in state.Workloads)
        {
            Try($"thaw {workload.Workload.Unit}", () => Thaw(workload.Workload.Unit));
        }

        if (during == Phase.Switch)
        {
            // The switch made journald let go of its files.
            Try("hand the journal its files back", () => Journald.FlushToVar(JournaldDeadline));
        }

        if (Kexec.IsLoaded)
        {
            Try("unload the new kernel", Kexec.Unload);
        }

        IReadOnlyList<string> restarted = [];
        await TryAsync("start what was stopped", async () => restarted = await StartAsync(state.StopList));
        foreach (WorkloadState workload in state.Workloads)
        {
            Try($"remove the images of {workload.Workload.Name}", () => store.RemoveImages(workload.Workload));
        }

        var closing = new RolledBack(during, reason, restarted, _troubles, Moment.Now());
        Try("close the journal", () =>
        {
            journal.Append(closing);
            journal.Archive();
        });
        return closing;
    }

    /// <summary>
    /// On disk before anything thaws: from here on the images count no more. If that cannot be written, they must go: with
    /// them in place the next boot would give their owners a second life.
    /// </summary>
    private void Revoke(UpdateState state, ImageStore store, string reason)
    {
        try
        {
            journal.Append(new Revoked(reason));
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Trouble("revoke the commit", failed);
            foreach (WorkloadState workload in state.Workloads)
            {
                Try($"remove the images of {workload.Workload.Name} instead", () => store.RemoveImages(workload.Workload));
            }
        }
    }

    /// <summary>
    /// A CRIU without its client that waits for a request ends by itself; one that dumps goes on to the end. To kill it in
    /// the middle could damage what it dumps, and to thaw under its hands too.
    /// </summary>
    private async Task AwaitDumpsAsync()
    {
        string[] units = [.. systemd.ListUnits().Select(unit => unit.Name).Where(name => name.StartsWith("nvwa-dump-", StringComparison.Ordinal))];
        using var deadline = new CancellationTokenSource(DumpDeadline);
        try
        {
            foreach (string unit in units)
            {
                using SafeFileHandle? criu = Pidfd.Open((int)systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID"));
                await (criu is null ? Task.CompletedTask : Pidfd.WaitAsync(criu, deadline.Token));
            }
        }
        finally
        {
            await systemd.StopAllAsync(units, ThawDeadline, CancellationToken.None);
        }
    }

    private void Thaw(string unit)
    {
        if (systemd.GetString(unit, SystemdInterface.Unit, "FreezerState") is "frozen" or "freezing")
        {
            systemd.Thaw(unit, ThawDeadline);
        }
    }

    /// <summary>
    /// Starts what Quiesce stopped; names what really was down. All of the list is started: a stop that is still queued
    /// behind another would otherwise come after everything is said to run.
    /// </summary>
    private async Task<IReadOnlyList<string>> StartAsync(IReadOnlyList<string> stopped)
    {
        string[] down = [.. stopped.Where(IsDown)];
        IReadOnlyDictionary<string, SystemdJobResult> results = await systemd.StartAllAsync(stopped, StartDeadline, CancellationToken.None);
        _troubles.AddRange(results.Where(result => !result.Value.IsDone).Select(result => $"start {result.Key}: {result.Value.Detail ?? result.Value.Result}; see: journalctl -u {result.Key}"));
        return down;
    }

    private bool IsDown(string unit) =>
        systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") is "inactive" or "failed" or "deactivating";

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

    private async Task TryAsync(string what, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Trouble(what, failed);
        }
    }

    /// <summary>One step that fails must not keep the others from being done.</summary>
    private void Trouble(string what, Exception failed)
    {
        string trouble = $"{what}: {failed.Message}";
        _troubles.Add(trouble);
        log($"rollback: could not {trouble}, going on");
    }
}
