using System.Runtime.InteropServices;
using Nvwa.Core.Journal;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Restore;

/// <summary>
/// <c>nvwa lock</c>: on the new kernel, from before its network comes up, drops the packets of every workload that does
/// not run yet. The kernel removes the tables when this process ends, however it ends. SIGHUP: read the journal again and
/// open the locks of those that are settled.
/// </summary>
internal sealed class LockHolder(UpdateJournal journal, string bootId)
{
    public const string Unit = "nvwa-lock.service";

    public async Task<ExitCode> RunAsync(CancellationToken cancellation)
    {
        // Before READY=1: a hang-up that came earlier would end the process.
        using var hangUps = new SemaphoreSlim(0);
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            hangUps.Release();
        });
        // We are the first of several that append at boot.
        journal.Heal();
        using var packets = PacketLock.Open();
        var held = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((int index, WorkloadState workload) in Unsettled().Where(item => item.Workload.Endpoints.Count > 0))
        {
            packets.Hold(LockTables.NameOf(index), LockTables.Endpoints(workload.Endpoints));
            held[workload.Workload.Name] = LockTables.NameOf(index);
        }

        Notify.Send("READY=1");
        while (held.Count > 0)
        {
            await hangUps.WaitAsync(cancellation);
            try
            {
                ReleaseSettled(packets, held);
            }
            catch (Exception failed) when (failed is LinuxException or IOException or InvalidDataException)
            {
                // To end here would open every lock; the daemon stops this unit when the update is closed.
                await Console.Error.WriteLineAsync($"nvwa: lock: {failed.Message}, holding on");
            }
        }

        return ExitCode.Done;
    }

    private void ReleaseSettled(PacketLock packets, Dictionary<string, string> held)
    {
        HashSet<string> waiting = [.. Unsettled().Select(item => item.Workload.Workload.Name)];
        foreach ((string workload, string table) in held.Where(item => !waiting.Contains(item.Key)).ToList())
        {
            packets.Release(table);
            held.Remove(workload);
        }
    }

    private List<(int Index, WorkloadState Workload)> Unsettled() =>
        journal.Read() is { } state && state.Next(bootId) == NextStep.Restore
            ? [.. state.Workloads.Index().Where(item => !item.Item.IsSettled)]
            : [];
}
