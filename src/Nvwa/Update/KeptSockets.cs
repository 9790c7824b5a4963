using System.Net;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
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

    /// <summary>Connected ones whose peer has a link-local address: CRIU 4.2 connects again without the interface, which the kernel refuses.</summary>
    public static IReadOnlyList<InetSocket> LinkLocal(IReadOnlyList<int> pids)
    {
        HashSet<long> inodes = Inodes(pids);
        return pids.Count == 0 ? [] : [.. SocketTable.Read(pids[0]).Inet.Where(socket => socket is { Remote: { Port: > 0, Address.IsIPv6LinkLocal: true } } && inodes.Contains(socket.Inode))];
    }

    /// <summary>
    /// Connections of the processes to others of this host that are not kept: those get no new kernel, and their end says
    /// nothing more.
    /// </summary>
    /// <param name="pids">Of one workload.</param>
    /// <param name="kept">Of all.</param>
    public static IReadOnlyList<InetSocket> ToOthersOfHost(IReadOnlyList<int> pids, IReadOnlyList<int> kept)
    {
        if (pids.Count == 0)
        {
            return [];
        }

        (HashSet<long> inodes, HashSet<long> ofKept) = (Inodes(pids), Inodes(kept));
        IReadOnlyList<InetSocket> all = SocketTable.Read(pids[0]).Inet;
        HashSet<(IPEndPoint, IPEndPoint)> ends = [.. all.Where(socket => ofKept.Contains(socket.Inode)).Select(socket => (socket.LocalOnWire, socket.RemoteOnWire))];
        InetSocket[] connections =
            [.. all.Where(socket => socket is { Protocol: InetProtocol.Tcp, Remote.Port: > 0, State: not InetSocketState.SynSent } && inodes.Contains(socket.Inode))];
        HashSet<IPAddress> elsewhere = [.. LocalAddresses.Missing([.. connections.Select(socket => socket.RemoteOnWire.Address).Distinct()])];
        return [.. connections.Where(socket => !elsewhere.Contains(socket.RemoteOnWire.Address) && !ends.Contains((socket.RemoteOnWire, socket.LocalOnWire)))];
    }

    /// <summary>What the kernel does for the processes' connections while none of them has these.</summary>
    public static Unsettled Unsettled(IReadOnlyList<int> pids)
    {
        if (pids.Count == 0)
        {
            return new Unsettled(null, 0);
        }

        HashSet<long> inodes = Inodes(pids);
        IReadOnlyList<InetSocket> tcp = [.. SocketTable.Read(pids[0]).Inet.Where(socket => socket.Protocol == InetProtocol.Tcp)];
        InetSocket[] unaccepting = [.. tcp.Where(socket => socket is { State: InetSocketState.Listen, Unread: > 0 } && inodes.Contains(socket.Inode))];
        HashSet<int> ports = [.. tcp.Where(socket => inodes.Contains(socket.Inode)).Select(socket => socket.Local.Port)];
        int unowned = tcp.Count(socket => socket.Inode == 0 && ports.Contains(socket.Local.Port)
            && (socket.State == InetSocketState.SynReceived || (socket.State != InetSocketState.TimeWait && socket.Unsent > 0)));
        return new Unsettled(unaccepting is [var first, ..] ? $"{first.Local}" : null, unaccepting.Length + unowned);
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
