using Nvwa.Core.Journal;
using Nvwa.Hosts;

namespace Nvwa.Restore;

/// <summary>
/// <c>nvwa lock</c>: on the new kernel, from before its network comes up, drops the packets of every workload that does
/// not run yet. The kernel removes the tables when this process ends, however it ends. At each hang-up (SIGHUP) it reads the
/// journal again and opens the locks of those that are settled.
/// </summary>
/// <param name="host">The machine.</param>
/// <param name="hangUp">Completes at the next hang-up, also at one that came before it was asked for.</param>
/// <param name="ready">Called when all locks are held.</param>
/// <param name="log">A line for the unit's log.</param>
internal sealed class LockHolder(IHost host, Func<CancellationToken, Task> hangUp, Action ready, Action<string> log)
{
    public const string Unit = "nvwa-lock.service";

    public async Task<ExitCode> RunAsync(CancellationToken cancellation)
    {
        using IPacketLock packets = host.OpenPacketLock();
        var held = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((int index, WorkloadState workload) in Unsettled().Where(item => item.Workload.Endpoints.Count > 0))
        {
            packets.Hold(index, workload.Endpoints);
            held[workload.Workload.Name] = index;
        }

        ready();
        while (held.Count > 0)
        {
            await hangUp(cancellation);
            try
            {
                ReleaseSettled(packets, held);
            }
            catch (Exception failed) when (StepFailedException.IsExpected(failed))
            {
                // To end here would open every lock; the daemon stops this unit when the update is closed.
                log($"lock: {failed.Message}, holding on");
            }
        }

        return ExitCode.Done;
    }

    private void ReleaseSettled(IPacketLock packets, Dictionary<string, int> held)
    {
        HashSet<string> waiting = [.. Unsettled().Select(item => item.Workload.Workload.Name)];
        foreach ((string workload, int index) in held.Where(item => !waiting.Contains(item.Key)).ToList())
        {
            packets.Release(index);
            held.Remove(workload);
        }
    }

    private List<(int Index, WorkloadState Workload)> Unsettled() =>
        host.Journal.Read() is { } state && state.Next(host.BootId) == NextStep.Restore
            ? [.. state.Workloads.Index().Where(item => !item.Item.IsSettled)]
            : [];
}
