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
            .Select(socket => (Socket: socket, Obstacle: Obstacle(socket, isInside)))
            .Where(found => found.Obstacle is not null)
            .Select(found => CheckResult.Refuse(
                Name, workload.Name, $"a socket of it that systemd holds too ({found.Socket.Words}, type {found.Socket.Kind.Type}) {found.Obstacle}",
                "have the service open it by itself: disable the .socket unit and restart the service"));
    }

    private static string? Obstacle(ActivatedSocket socket, bool isInside) =>
        !socket.CanBeMadeAnew ? "neither listens nor takes datagrams from anybody: it cannot be made anew"
        : socket.IsOneOfSeveral ? "is one of several that systemd has at this address (ReusePort=): there is no telling which is its own afterwards"
        : isInside ? "is outside of its network namespace (PrivateNetwork=), where CRIU does not find it"
        : null;
}
