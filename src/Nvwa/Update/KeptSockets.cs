using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Update;

/// <summary>The sockets of a workload: what the packet lock must cover, and what a dump must leave out.</summary>
internal static class KeptSockets
{
    private const string JournalSocket = "/run/systemd/journal/stdout";

    /// <summary>Internet sockets of the processes, also those the kernel still holds for them.</summary>
    public static IReadOnlyList<KeptEndpoint> Endpoints(IReadOnlyList<int> pids)
    {
        if (pids.Count == 0)
        {
            return [];
        }

        HashSet<long> inodes = Inodes(pids);
        return
        [
            .. SocketTable.Read(pids[0]).Inet
                .Where(socket => socket.Local.Port != 0 && inodes.Contains(socket.Inode))
                .Select(socket => new KeptEndpoint(
                    socket.Protocol == InetProtocol.Udp ? "udp" : "tcp",
                    socket.Local.ToString(),
                    socket.Remote.Port > 0 ? socket.Remote.ToString() : null))
                .Distinct(),
        ];
    }

    /// <summary>Stream sockets whose other end is journald: the output of services.</summary>
    public static IReadOnlyList<ExternalSocket> JournalStreams(IReadOnlyList<int> pids, IReadOnlyList<UnixPeer> peers)
    {
        HashSet<long> inodes = Inodes(pids);
        return
        [
            .. peers.Where(peer => inodes.Contains(peer.Inode) && peer.PeerPath == JournalSocket)
                .Select(peer => new ExternalSocket(peer.Inode)),
        ];
    }

    /// <summary>Streams and sequences of packets whose other end is held by nobody in the tree, nor by journald.</summary>
    public static IReadOnlyList<UnixPeer> ForeignConnections(IReadOnlyList<int> pids, IReadOnlyList<UnixPeer> peers)
    {
        HashSet<long> inodes = Inodes(pids);
        return
        [
            .. peers.Where(peer => peer is { IsConnection: true, PeerInode: not 0 } && inodes.Contains(peer.Inode)
                && !inodes.Contains(peer.PeerInode) && peer.PeerPath != JournalSocket),
        ];
    }

    private static HashSet<long> Inodes(IReadOnlyList<int> pids) =>
        [.. pids.SelectMany(ProcFs.Descriptors).Select(descriptor => descriptor.SocketInode).OfType<long>()];
}
