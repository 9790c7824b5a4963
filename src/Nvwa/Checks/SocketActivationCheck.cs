using Nvwa.Core.Checks;
using Nvwa.State;

namespace Nvwa.Checks;

/// <summary>
/// A socket that systemd holds too (systemd.socket(5)): on the new kernel its unit makes another one, which the service gets in
/// its place (<see cref="ActivatedSocket"/>). That goes for sockets that wait for anybody.
/// </summary>
internal sealed class SocketActivationCheck : IWorkloadCheck
{
    public string Name => "socket activation";

    public string Fine => "its sockets are its own, or its .socket unit makes them anew";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        bool isInside = workload.Workload.Sandbox.Contains("net");
        return ActivatedSocket.Of(workload.Pids, host.Init)
            .Where(socket => !socket.CanBeMadeAnew || isInside)
            .Select(socket => CheckResult.Refuse(
                Name, workload.Name, $"a socket of it that systemd holds too ({socket.Words}, type {socket.Kind.Type}) {(socket.CanBeMadeAnew ? "is outside of its network namespace (PrivateNetwork=), where CRIU does not find it" : "neither listens nor takes datagrams from anybody: it cannot be made anew")}",
                "have the service open it by itself: disable the .socket unit and restart the service"));
    }
}
