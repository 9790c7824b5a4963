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
    private static readonly TimeSpan ThawDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan JournaldDeadline = TimeSpan.FromSeconds(10);

    private readonly List<string> _troubles = [];

    /// <param name="state">The update as its journal tells it.</param>
    /// <param name="during">The phase that failed.</param>
    /// <param name="reason">Why.</param>
    /// <returns>The record that closes the update.</returns>
    public async Task<RolledBack> RunAsync(UpdateState state, Phase during, string reason)
    {
        if (state.IsCommitted)
        {
            // On disk before anything thaws: from here on the images are worth nothing.
            journal.Append(new Revoked(reason));
        }

        journal.Append(new PhaseEntered(Phase.RollBack, Moment.Now()));
        foreach (SystemdUnitStatus dump in systemd.ListUnits().Where(unit => unit.Name.StartsWith("nvwa-dump-", StringComparison.Ordinal)))
        {
            Try($"stop {dump.Name}", () => systemd.Stop(dump.Name));
        }

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

        IReadOnlyList<string> restarted = await StartAsync(state.StopList);
        var store = new ImageStore(Path.GetDirectoryName(state.Opening.ImagesDirectory)!, state.Id);
        foreach (WorkloadState workload in state.Workloads)
        {
            Try($"remove the images of {workload.Workload.Name}", () => store.RemoveImages(workload.Workload));
        }

        var closing = new RolledBack(during, reason, restarted, _troubles, Moment.Now());
        journal.Append(closing);
        journal.Archive();
        return closing;
    }

    private void Thaw(string unit)
    {
        if (systemd.GetString(unit, SystemdInterface.Unit, "FreezerState") is "frozen" or "freezing")
        {
            systemd.Thaw(unit, ThawDeadline);
        }
    }

    /// <summary>Starts what Quiesce stopped; names what really had to be started.</summary>
    private async Task<IReadOnlyList<string>> StartAsync(IReadOnlyList<string> stopped)
    {
        string[] down = [.. stopped.Where(unit => systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") is "inactive" or "failed" or "deactivating")];
        IReadOnlyDictionary<string, SystemdJobResult> results = await systemd.StartAllAsync(down, StartDeadline, CancellationToken.None);
        _troubles.AddRange(results.Where(result => !result.Value.IsDone).Select(result => $"start {result.Key}: {result.Value.Detail ?? result.Value.Result}; see: journalctl -u {result.Key}"));
        return down;
    }

    /// <summary>One step that fails must not keep the others from being done.</summary>
    private void Try(string what, Action step)
    {
        try
        {
            step();
        }
        catch (Exception failed) when (failed is LinuxException or SystemdException or IOException or UnauthorizedAccessException)
        {
            string trouble = $"{what}: {failed.Message}";
            _troubles.Add(trouble);
            log($"rollback: could not {trouble}, going on");
        }
    }
}
