using System.Buffers.Binary;
using System.Net;

namespace Nvwa.Lab;

/// <summary>Looks through Ethernet, IPv4 and IPv6 for packets that refuse. Numbers are those of the RFCs and of IANA.</summary>
internal static class EthernetFrame
{
    private const int EthernetBytes = 14;
    private const int EtherTypeOffset = 12;
    private const int EtherTypeV4 = 0x0800;
    private const int EtherTypeV6 = 0x86dd;

    private const int HeaderBytesV6 = 40;
    private const int MinHeaderBytesV4 = 20;

    private const int ProtocolIcmp = 1;
    private const int ProtocolTcp = 6;
    private const int ProtocolIcmpV6 = 58;

    private const int TcpFlagsOffset = 13;
    private const int TcpReset = 0x04;

    private const int IcmpUnreachable = 3;
    private const int IcmpFragmentationNeeded = 4;
    private const int IcmpV6Unreachable = 1;

    public static Refusal? FindRefusal(PcapPacket packet)
    {
        ReadOnlySpan<byte> frame = packet.Bytes.Span;
        if (frame.Length < EthernetBytes)
        {
            return null;
        }

        ReadOnlySpan<byte> body = frame[EthernetBytes..];
        return BinaryPrimitives.ReadUInt16BigEndian(frame[EtherTypeOffset..]) switch
        {
            EtherTypeV4 => InV4(packet.Time, body),
            EtherTypeV6 => InV6(packet.Time, body),
            _ => null,
        };
    }

    private static Refusal? InV4(DateTimeOffset time, ReadOnlySpan<byte> packet)
    {
        int headerBytes = packet.Length >= MinHeaderBytesV4 ? (packet[0] & 0x0f) * 4 : int.MaxValue;
        bool first = headerBytes <= packet.Length && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) == 0;
        return first
            ? InProtocol(time, packet[9], packet[12..16], packet[16..20], packet[headerBytes..])
            : null;
    }

    // Extension headers are passed over by their own length; a later fragment has no header of its protocol.
    private static Refusal? InV6(DateTimeOffset time, ReadOnlySpan<byte> packet)
    {
        if (packet.Length < HeaderBytesV6)
        {
            return null;
        }

        int protocol = packet[6];
        ReadOnlySpan<byte> rest = packet[HeaderBytesV6..];
        while (protocol is 0 or 43 or 60 && rest.Length >= 8)
        {
            protocol = rest[0];
            int bytes = (rest[1] + 1) * 8;
            rest = bytes <= rest.Length ? rest[bytes..] : [];
        }

        return InProtocol(time, protocol, packet[8..24], packet[24..40], rest);
    }

    private static Refusal? InProtocol(
        DateTimeOffset time, int protocol, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, ReadOnlySpan<byte> body)
    {
        bool isReset = protocol == ProtocolTcp && body.Length > TcpFlagsOffset && (body[TcpFlagsOffset] & TcpReset) != 0;
        bool isUnreachable = body.Length >= 2 && (
            (protocol == ProtocolIcmp && body[0] == IcmpUnreachable && body[1] != IcmpFragmentationNeeded)
            || (protocol == ProtocolIcmpV6 && body[0] == IcmpV6Unreachable));
        if (isReset)
        {
            return new Refusal(RefusalKind.Reset, time, EndPoint(source, body), EndPoint(destination, body[2..]));
        }

        return isUnreachable
            ? new Refusal(RefusalKind.Unreachable, time, $"{new IPAddress(source)}", $"{new IPAddress(destination)}")
            : null;
    }

    private static string EndPoint(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port) =>
        new IPEndPoint(new IPAddress(address), BinaryPrimitives.ReadUInt16BigEndian(port)).ToString();
}
