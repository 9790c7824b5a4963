using System.Globalization;
using System.Net;

namespace Nvwa.Linux;

/// <summary>All TCP, UDP and local sockets of one network namespace.</summary>
/// <param name="Inet">TCP and UDP over IPv4 and IPv6.</param>
/// <param name="Unix">Local ones.</param>
public sealed record SocketTable(IReadOnlyList<InetSocket> Inet, IReadOnlyList<UnixSocket> Unix)
{
    private const uint SO_ACCEPTCON = 0x10000;

    /// <summary>The namespace of this process; empty if the process is gone.</summary>
    public static SocketTable Read(int pid) => new(
        [
            .. ReadInet(pid, "tcp", InetProtocol.Tcp, isIPv6: false),
            .. ReadInet(pid, "tcp6", InetProtocol.Tcp, isIPv6: true),
            .. ReadInet(pid, "udp", InetProtocol.Udp, isIPv6: false),
            .. ReadInet(pid, "udp6", InetProtocol.Udp, isIPv6: true),
        ],
        [.. Proc.TryReadLines($"/proc/{pid}/net/unix").Skip(1).Select(ParseUnix).OfType<UnixSocket>()]);

    /// <summary>
    /// <c>sl local_address rem_address st tx_queue:rx_queue tr:tm retrnsmt uid timeout inode ...</c>; null for a line
    /// of another shape.
    /// </summary>
    internal static InetSocket? ParseInet(string line, InetProtocol protocol, bool isIPv6)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10)
        {
            return null;
        }

        return new InetSocket(
            protocol,
            isIPv6,
            ParseEndPoint(fields[1]),
            ParseEndPoint(fields[2]),
            (InetSocketState)int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            uint.Parse(fields[7], CultureInfo.InvariantCulture),
            long.Parse(fields[9], CultureInfo.InvariantCulture))
        {
            Unsent = Queue(fields[4], 0),
            Unread = Queue(fields[4], 1),
        };
    }

    private static uint Queue(string queues, int which) =>
        queues.Split(':') is { Length: 2 } parts ? uint.Parse(parts[which], NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;

    /// <summary>
    /// <c>Num RefCount Protocol Flags Type St Inode Path</c>, where the path may hold anything; null for a line of
    /// another shape.
    /// </summary>
    internal static UnixSocket? ParseUnix(string line)
    {
        const int PathField = 7;
        string[] fields = line.Split(' ', PathField + 1, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < PathField
            || !uint.TryParse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint flags)
            || !int.TryParse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int type)
            || !int.TryParse(fields[5], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int state)
            || !long.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out long inode))
        {
            return null;
        }

        return new UnixSocket(
            (UnixSocketType)type,
            (flags & SO_ACCEPTCON) != 0 ? UnixSocketState.Listen : (UnixSocketState)state,
            fields.Length > PathField ? fields[PathField] : null,
            inode);
    }

    private static IEnumerable<InetSocket> ReadInet(int pid, string file, InetProtocol protocol, bool isIPv6) =>
        Proc.TryReadLines($"/proc/{pid}/net/{file}")
            .Skip(1)
            .Select(line => ParseInet(line, protocol, isIPv6))
            .OfType<InetSocket>();

    /// <summary>
    /// <c>0100007F:1F90</c>: the address in words of 32 bits as this machine (little-endian) reads them.
    /// </summary>
    private static IPEndPoint ParseEndPoint(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        byte[] address = Convert.FromHexString(text.AsSpan(0, colon));
        for (int word = 0; word < address.Length; word += sizeof(uint))
        {
            address.AsSpan(word, sizeof(uint)).Reverse();
        }

        int port = int.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new IPEndPoint(new IPAddress(address), port);
    }
}
