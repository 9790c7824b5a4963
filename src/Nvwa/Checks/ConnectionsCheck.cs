using Nvwa.Core.Checks;
using Nvwa.Linux;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>Connections that are not simply kept.</summary>
internal sealed class ConnectionsCheck : IWorkloadCheck
{
    public string Name => "connections";

    public string Fine => "kept, whatever their peers send meanwhile";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        if (KeptSockets.LinkLocal(workload.Pids) is [var linkLocal, ..])
        {
            yield return CheckResult.Refuse(
                Name, workload.Name, $"is connected to {linkLocal.Remote} over a link-local address, which CRIU cannot connect again",
                "have that peer use another address of this host");
        }

        if (KeptSockets.Unsettled(workload.Pids).Unaccepted is { } address)
        {
            yield return CheckResult.Warn(
                Name, workload.Name, $"has not accepted a connection to {address} yet",
                $"an update waits {UpdateRun.SettleDeadline.TotalSeconds} s for it, and is rolled back if it is still waiting then");
        }

        IReadOnlyList<InetSocket> left = KeptSockets.ToOthersOfHost(workload.Pids, [.. host.Workloads.SelectMany(kept => kept.Pids)]);
        foreach (InetSocket socket in left.Take(1))
        {
            yield return CheckResult.Warn(
                Name, workload.Name, $"is connected to {socket.RemoteOnWire} of this host, which is not kept{(left.Count == 1 ? "" : $", and {left.Count - 1} more")}",
                "it will find that connection closed; to keep it, name the other end in nvwa-restore.yaml, too");
        }
    }
}
