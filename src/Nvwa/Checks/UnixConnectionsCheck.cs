using Nvwa.Core.Checks;
using Nvwa.Linux;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>
/// Connections to processes that are not kept with it, as D-Bus: half of a stream cannot be dumped. Datagram sockets are
/// bound and connected by name again, and the output to journald has a technique of its own.
/// </summary>
internal sealed class UnixConnectionsCheck : IWorkloadCheck
{
    public string Name => "unix connections";

    public string Fine => "none to what is not kept with it";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) =>
        workload.Workload.Sandbox.Contains("net") ? OutOfNamespace(workload, host) : Foreign(workload, host);

    /// <summary>CRIU asks the kernel for the sockets of one network namespace, and the kernel shows no others, not even as the other end.</summary>
    private IEnumerable<CheckResult> OutOfNamespace(KeptWorkload workload, HostFacts host)
    {
        HashSet<long> inside = [.. SocketTable.Read(workload.Tree.Root.Pid).Unix.Select(socket => socket.Inode)];
        OpenFile[] sockets = [.. workload.Files.Where(file => ResourceKinds.Of(file, workload) == ResourceKind.UnixSocket)];
        HashSet<long> connectedOut = [.. host.Peers.Where(peer => inside.Contains(peer.Inode) && peer.PeerInode != 0 && !inside.Contains(peer.PeerInode)).Select(peer => peer.Inode)];
        return sockets.Where(file => file.Descriptor.SocketInode is { } inode && (!inside.Contains(inode) || connectedOut.Contains(inode))).Take(1).Select(file => CheckResult.Refuse(
            Name, workload.Name,
            $"{file.Where} of process {file.Pid} is a unix socket that leads out of its network namespace (the journal, syslog), where CRIU does not see it",
            "a drop-in with PrivateNetwork=no makes it possible; RestrictAddressFamilies=AF_UNIX keeps it off the network as well"));
    }

    private IEnumerable<CheckResult> Foreign(KeptWorkload workload, HostFacts host)
    {
        IReadOnlyList<UnixPeer> foreign = KeptSockets.ForeignConnections(workload.Pids, host.Peers);
        return foreign.Take(1).Select(peer => CheckResult.Refuse(
            Name, workload.Name, $"has a unix stream connection to {Named(peer, workload, host)}, which is not kept with it{More(foreign.Count - 1)}",
            "close that connection, as with the D-Bus clients of the service"));
    }

    private static string Named(UnixPeer peer, KeptWorkload workload, HostFacts host)
    {
        string where = peer.PeerPath ?? $"socket {peer.PeerInode}";
        return host.HoldersOutside(workload, $"socket:[{peer.PeerInode}]") is [var holder, ..] ? $"{where} of process {holder.Pid} ({holder.Comm})" : where;
    }

    private static string More(int count) => count == 0 ? "" : $", and {count} more";
}
