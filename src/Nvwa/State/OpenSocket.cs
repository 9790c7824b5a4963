using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// What CRIU 4.2 leaves out of an internet socket (sockets.c, sk-inet.c, sk-tcp.c): options and multicast groups, which are set
/// again once CRIU has made the socket, and before its process runs.
/// </summary>
/// <param name="Pid">A process that has it.</param>
/// <param name="Fd">Its descriptor there.</param>
/// <param name="Options">Those with another value than a new socket has.</param>
/// <param name="Groups">What it has joined.</param>
/// <param name="PeerEnds">The other end belongs to a process of this host that is not kept: as if it had closed it.</param>
internal sealed record OpenSocket(int Pid, int Fd, IReadOnlyList<SocketOption> Options, IReadOnlyList<GroupMembership> Groups, bool PeerEnds)
{
    private const string FileName = "sockets.json";

    private const int SOL_IP = 0;
    private const int SOL_SOCKET = 1;
    private const int SOL_TCP = 6;
    private const int SOL_UDP = 17;
    private const int SOL_IPV6 = 41;

    // Numbers of socket(7), tcp(7), udp(7), ip(7) and ipv6(7), in the order of the names. Not among them: what the kernel itself
    // changes in the life of a connection (TCP_WINDOW_CLAMP, TCP_QUICKACK), and what names an interface by its number.
    private static readonly (int Level, int[] Options)[] LeftOut =
    [
        // TIMESTAMP, TIMESTAMPNS, TIMESTAMPING, RXQ_OVFL, PEEK_OFF, BUSY_POLL, MAX_PACING_RATE, ZEROCOPY
        (SOL_SOCKET, [29, 35, 37, 40, 42, 46, 47, 60]),
        // SYNCNT, LINGER2, DEFER_ACCEPT, CONGESTION, USER_TIMEOUT, FASTOPEN, NOTSENT_LOWAT, INQ
        (SOL_TCP, [7, 8, 9, 13, 18, 23, 25, 36]),
        // SEGMENT, GRO
        (SOL_UDP, [103, 104]),
        // TOS and TTL (of an IPv6 socket), MTU_DISCOVER, RECVERR, RECVTTL, RECVTOS, TRANSPARENT, RECVORIGDSTADDR, MINTTL,
        // MULTICAST_IF (an address), MULTICAST_TTL, MULTICAST_LOOP, MULTICAST_ALL
        (SOL_IP, [1, 2, 10, 11, 12, 13, 19, 20, 21, 32, 33, 34, 49]),
        // UNICAST_HOPS, MULTICAST_HOPS, MULTICAST_LOOP, MTU_DISCOVER, RECVERR, MULTICAST_ALL, RECVHOPLIMIT, DONTFRAG,
        // RECVTCLASS, TCLASS, AUTOFLOWLABEL, ADDR_PREFERENCES, MINHOPCOUNT, ORIGDSTADDR, TRANSPARENT
        (SOL_IPV6, [16, 18, 19, 23, 25, 29, 51, 62, 66, 67, 70, 72, 73, 74, 75]),
    ];

    // An accepted connection has its peer's TTL in MULTICAST_TTL or MULTICAST_HOPS, and the kernel lets nobody set it on a stream.
    private static readonly (int Level, int Option)[] NotOfStreams = [(SOL_IP, 33), (SOL_IPV6, 18)];

    // What CRIU sets on sockets that it makes itself, which those from systemd are not: DONTROUTE, BROADCAST, KEEPALIVE, OOBINLINE, NO_CHECK,
    // PRIORITY, LINGER, PASSCRED, RCVLOWAT, RCVTIMEO, SNDTIMEO, PASSSEC, MARK; NODELAY, KEEPIDLE, KEEPINTVL, KEEPCNT; PKTINFO;
    // RECVPKTINFO. Sizes of buffers are left to the .socket unit: they are read doubled.
    private static readonly (int Level, int[] Options)[] OfCriu =
    [
        (SOL_SOCKET, [5, 6, 9, 10, 11, 12, 13, 16, 18, 20, 21, 34, 36]),
        (SOL_TCP, [1, 4, 5, 6]),
        (SOL_IP, [8]),
        (SOL_IPV6, [49]),
    ];

    /// <summary>Those of frozen processes that have something that CRIU leaves out; what several of them share is named once.</summary>
    /// <param name="pids">The processes.</param>
    /// <param name="ending">Inodes of the sockets whose other end is not kept.</param>
    /// <param name="activated">Inodes of those that CRIU does not make.</param>
    public static IReadOnlyList<OpenSocket> Of(IReadOnlyList<int> pids, IReadOnlySet<long> ending, IReadOnlySet<long> activated)
    {
        var fresh = new Dictionary<(SocketKind, bool), IReadOnlyList<SocketOption>>();
        var seen = new HashSet<long>();
        var sockets = new List<OpenSocket>();
        foreach (int pid in pids)
        {
            using SafeFileHandle? process = Pidfd.Open(pid);
            IReadOnlyList<JoinedGroup> joined = GroupMembership.Joined(pid);
            foreach (Descriptor descriptor in process is null ? [] : ProcFs.Descriptors(pid))
            {
                if (descriptor.SocketInode is not { } inode || !seen.Add(inode))
                {
                    continue;
                }

                using SafeFileHandle? socket = Pidfd.Descriptor(process!, descriptor.Fd);
                if (socket is not null && SocketKind.Of(socket) is { } kind && (kind.IsInternet || activated.Contains(inode)))
                {
                    sockets.Add(new OpenSocket(pid, descriptor.Fd, Changed(socket, kind, activated.Contains(inode), fresh), GroupMembership.Of(socket, kind, joined), ending.Contains(inode)));
                }
            }
        }

        return [.. sockets.Where(socket => socket.Options.Count > 0 || socket.Groups.Count > 0 || socket.PeerEnds)];
    }

    /// <summary>In a process that CRIU has made and not let go yet.</summary>
    /// <param name="warn">Told of an option that this kernel does not take: no reason to lose the workload.</param>
    /// <exception cref="LinuxException">A group could not be joined.</exception>
    public void Restore(Action<string> warn)
    {
        using SafeFileHandle? process = Pidfd.Open(Pid);
        using SafeFileHandle? socket = process is null ? null : Pidfd.Descriptor(process, Fd);
        if (socket is null)
        {
            throw new InvalidDataException($"descriptor {Fd} of process {Pid} was not restored");
        }

        foreach (SocketOption option in Options.Where(option => option != SocketOption.Read(socket, option.Level, option.Number)))
        {
            try
            {
                option.Set(socket);
            }
            catch (LinuxException refused)
            {
                warn($"descriptor {Fd} of process {Pid}: {refused.Message}, going on without");
            }
        }

        foreach (GroupMembership group in Groups)
        {
            group.Join(socket);
        }

        if (PeerEnds)
        {
            // It reads the end, and when it writes the kernel resets it: as of any peer that is gone.
            SocketKind.EndReceiving(socket);
        }
    }

    public static void Write(string directory, IReadOnlyList<OpenSocket> sockets) =>
        ImageNote.Write(System.IO.Path.Combine(directory, FileName), sockets, OpenSocketJson.Default.IReadOnlyListOpenSocket);

    /// <summary>Of images that were verified.</summary>
    public static IReadOnlyList<OpenSocket> Read(string directory) =>
        ImageNote.Read(System.IO.Path.Combine(directory, FileName), OpenSocketJson.Default.IReadOnlyListOpenSocket) ?? [];

    private static IReadOnlyList<SocketOption> Changed(
        SafeFileHandle socket, SocketKind kind, bool isActivated, Dictionary<(SocketKind, bool), IReadOnlyList<SocketOption>> fresh)
    {
        if (!fresh.TryGetValue((kind, isActivated), out IReadOnlyList<SocketOption>? defaults))
        {
            using SafeFileHandle made = kind.Make();
            fresh[(kind, isActivated)] = defaults = All(made, kind, isActivated);
        }

        return [.. All(socket, kind, isActivated).Except(defaults)];
    }

    private static IReadOnlyList<SocketOption> All(SafeFileHandle socket, SocketKind kind, bool isActivated) =>
    [
        .. (isActivated ? [.. LeftOut, .. OfCriu] : LeftOut).SelectMany(level => level.Options.Select(option => (level.Level, Option: option)))
            .Where(option => !kind.IsStream || !NotOfStreams.Contains(option))
            .Select(option => SocketOption.Read(socket, option.Level, option.Option))
            .OfType<SocketOption>(),
    ];
}

[JsonSerializable(typeof(IReadOnlyList<OpenSocket>))]
internal sealed partial class OpenSocketJson : JsonSerializerContext;
