using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// A multicast group that a socket has joined: ip(7), ipv6(7), RFC 3678. The kernel does not list those of a socket, but
/// answers for a group and an interface, and lists these for a network namespace.
/// </summary>
/// <param name="Interface">Its name: numbers change with the kernel.</param>
/// <param name="Filter">The kernel's <c>struct group_filter</c> in hexadecimal digits: group, mode and sources.</param>
public sealed record GroupMembership(string Interface, string Filter)
{
    // struct group_filter: u32 interface, sockaddr_storage group at 8, u32 mode, u32 number of sources, sockaddr_storage each.
    private const int StorageSize = 128;
    private const int GroupAt = 8;
    private const int ModeAt = GroupAt + StorageSize;
    private const int CountAt = ModeAt + sizeof(uint);
    private const int SourcesAt = CountAt + sizeof(uint);

    // struct group_req is the beginning of it.
    private const int RequestSize = ModeAt;

    /// <summary>More than igmp_max_msf and mld_max_msf usually allow.</summary>
    private const int MaxSources = 64;

    private const int MCAST_EXCLUDE = 0;
    private const int IPPROTO_IP = 0;
    private const int IPPROTO_IPV6 = 41;
    private const int MCAST_JOIN_GROUP = 42;
    private const int MCAST_MSFILTER = 48;
    private const uint SIOCGIFINDEX = 0x8933;
    private const int NameSize = 16;
    private const int InterfaceRequestSize = 40;

    /// <summary>Those of a socket, of all that its network namespace has joined.</summary>
    /// <param name="socket">An internet socket.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="joined">From <see cref="Joined"/>.</param>
    public static IReadOnlyList<GroupMembership> Of(SafeHandle socket, SocketKind kind, IReadOnlyList<JoinedGroup> joined)
    {
        ArgumentNullException.ThrowIfNull(kind);
        return [.. joined.Where(group => group.Family == kind.Family).Select(group => Of(socket, group)).OfType<GroupMembership>()];
    }

    /// <summary>What the network namespace of a process has joined, whoever did: /proc/PID/net/igmp and igmp6.</summary>
    public static IReadOnlyList<JoinedGroup> Joined(int pid) =>
    [
        .. ParseIgmp(Proc.TryReadLines($"/proc/{pid}/net/igmp")),
        .. Proc.TryReadLines($"/proc/{pid}/net/igmp6").Select(ParseIgmp6).OfType<JoinedGroup>(),
    ];

    /// <summary>The interface has this number in the socket's network namespace; null if there is none of this name (yet).</summary>
    public static int? IndexOf(SafeHandle socket, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Span<byte> request = stackalloc byte[InterfaceRequestSize];
        Encoding.UTF8.GetBytes(name, request[..(NameSize - 1)]);
        return Libc.Control(socket, SIOCGIFINDEX, request) == 0 ? BinaryPrimitives.ReadInt32LittleEndian(request[NameSize..]) : null;
    }

    /// <summary>Joins it again. That it is joined already is no error.</summary>
    /// <exception cref="LinuxException">The kernel refused, or has no such interface.</exception>
    public void Join(SafeHandle socket)
    {
        byte[] filter = Convert.FromHexString(Filter);
        int index = IndexOf(socket, Interface) ?? throw new LinuxException("join a multicast group", Interface, Errno.ENODEV);
        BinaryPrimitives.WriteInt32LittleEndian(filter, index);
        int level = BitConverter.ToUInt16(filter, GroupAt) == SocketKind.Internet ? IPPROTO_IP : IPPROTO_IPV6;
        int errno = Libc.TrySetOption(socket, level, MCAST_JOIN_GROUP, filter.AsSpan(0, RequestSize));
        if (errno is 0 or Errno.EADDRINUSE && (BitConverter.ToInt32(filter, ModeAt) != MCAST_EXCLUDE || filter.Length > SourcesAt))
        {
            errno = Libc.TrySetOption(socket, level, MCAST_MSFILTER, filter);
        }

        if (errno is not (0 or Errno.EADDRINUSE))
        {
            throw new LinuxException("join a multicast group", Interface, errno);
        }
    }

    /// <summary>An interface's line, and below it those of its groups: <c>	6C0042EF 1 0:00000000 1</c>.</summary>
    internal static IEnumerable<JoinedGroup> ParseIgmp(IEnumerable<string> lines)
    {
        (int index, string name) = (0, "");
        foreach (string line in lines.Skip(1))
        {
            string[] fields = line.Split((char[])[' ', '\t', ':'], StringSplitOptions.RemoveEmptyEntries);
            if (!line.StartsWith('\t') && fields.Length > 1)
            {
                (index, name) = (int.Parse(fields[0], CultureInfo.InvariantCulture), fields[1]);
            }
            else if (fields.Length > 0)
            {
                // As this machine (little-endian) reads the number.
                yield return new JoinedGroup(SocketKind.Internet, index, name, new IPAddress(Convert.FromHexString(fields[0]).Reverse().ToArray()));
            }
        }
    }

    /// <summary><c>2 eth0 ff020000000000000000000000000001 1 0000000C 0</c>; null for a line of another shape.</summary>
    internal static JoinedGroup? ParseIgmp6(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var index, var name, { Length: 32 } group, ..]
            ? new JoinedGroup(SocketKind.Internet6, int.Parse(index, CultureInfo.InvariantCulture), name, new IPAddress(Convert.FromHexString(group)))
            : null;

    private static GroupMembership? Of(SafeHandle socket, JoinedGroup group)
    {
        Span<byte> filter = new byte[SourcesAt + (MaxSources * StorageSize)];
        BinaryPrimitives.WriteInt32LittleEndian(filter, group.Index);
        BinaryPrimitives.WriteUInt16LittleEndian(filter[GroupAt..], (ushort)group.Family);
        // sockaddr_in has the address at 4, sockaddr_in6 at 8.
        group.Address.TryWriteBytes(filter[(GroupAt + (group.Family == SocketKind.Internet ? 4 : 8))..], out _);
        BinaryPrimitives.WriteUInt32LittleEndian(filter[CountAt..], MaxSources);
        if (Libc.TryGetOption(socket, group.Family == SocketKind.Internet ? IPPROTO_IP : IPPROTO_IPV6, MCAST_MSFILTER, filter) < 0)
        {
            return null;
        }

        int sources = Math.Min(BinaryPrimitives.ReadInt32LittleEndian(filter[CountAt..]), MaxSources);
        return new GroupMembership(group.Interface, Convert.ToHexString(filter[..(SourcesAt + (sources * StorageSize))]));
    }
}

/// <summary>A multicast group that an interface receives.</summary>
/// <param name="Family">AF_INET or AF_INET6.</param>
/// <param name="Index">The interface's number.</param>
/// <param name="Interface">Its name.</param>
/// <param name="Address">The group.</param>
public sealed record JoinedGroup(int Family, int Index, string Interface, IPAddress Address);
