using System.Net;

namespace Nvwa.Linux;

/// <summary>A TCP or UDP socket of a network namespace: /proc/PID/net/tcp and its siblings.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="IsIPv6">The socket is AF_INET6, even if it carries IPv4 by mapped addresses.</param>
/// <param name="Local">As the socket has it: of an IPv6 socket always an IPv6 address, <c>::ffff:192.0.2.1</c> included.
/// The scope of a link-local address is not known.</param>
/// <param name="Remote">The same; any address and port 0 if it is not connected.</param>
/// <param name="State">Of the connection.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Inode">As in <c>socket:[..]</c>; 0 if no process has it any more (TIME_WAIT) or yet.</param>
public sealed record InetSocket(
    InetProtocol Protocol,
    bool IsIPv6,
    IPEndPoint Local,
    IPEndPoint Remote,
    InetSocketState State,
    uint Uid,
    long Inode)
{
    /// <summary>Bytes that were not sent, or not acknowledged.</summary>
    public uint Unsent { get; init; }

    /// <summary>Bytes that were not read; of a listening socket the connections that were not accepted.</summary>
    public uint Unread { get; init; }

    /// <summary>As the packets have it: <c>192.0.2.1</c> instead of <c>::ffff:192.0.2.1</c>.</summary>
    public IPEndPoint LocalOnWire => OnWire(Local);

    /// <summary>The same for the other end.</summary>
    public IPEndPoint RemoteOnWire => OnWire(Remote);

    private static IPEndPoint OnWire(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;
}
