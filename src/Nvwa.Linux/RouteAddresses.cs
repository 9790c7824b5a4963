using System.Buffers.Binary;
using System.Net;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// One dump of all addresses: RTM_GETADDR, see rtnetlink(7). Each message is
/// <code>
///   nlmsghdr  length 4 | type 2 | flags 2 | sequence 4 | port 4
///   ifaddrmsg family 1 | prefix length 1 | flags 1 | scope 1 | interface index 4
///   rtattr*   length 2 | type 2 | value, padded to 4
/// </code>
/// </summary>
internal static class RouteAddresses
{
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;
    private const ushort RTM_NEWADDR = 20;
    private const ushort RTM_GETADDR = 22;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_DUMP = 0x300;
    private const ushort NLM_F_DUMP_INTR = 0x10;
    private const ushort IFA_ADDRESS = 1;
    private const ushort IFA_LOCAL = 2;
    private const ushort IFA_FLAGS = 8;
    private const uint IFA_F_DADFAILED = 0x08;
    private const uint IFA_F_TENTATIVE = 0x40;
    private const int LOOPBACK_IFINDEX = 1;

    private const int HeaderSize = 16;
    private const int AddressMessageSize = 8;
    private const int AttributeHeaderSize = 4;
    private const int BufferSize = 64 * 1024;

    /// <summary>An address of the host.</summary>
    internal readonly record struct Assigned(IPAddress Address, int PrefixLength, int Interface, uint Flags)
    {
        public bool IsUsable => (Flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;

        /// <summary>On the loopback interface, and only there, a whole IPv4 network is local.</summary>
        public bool Covers(IPAddress address) =>
            Address.Equals(address)
            || (Interface == LOOPBACK_IFINDEX
                && Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                && address.AddressFamily == Address.AddressFamily
                && PrefixLength > 0
                && Network(address) == Network(Address));

        private uint Network(IPAddress address) =>
            BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes()) >> (32 - PrefixLength);
    }

    public static IReadOnlyList<IPAddress> Missing(SafeFileHandle socket, IReadOnlyCollection<IPAddress> addresses)
    {
        List<Assigned> assigned = Dump(socket);
        return [.. addresses.Where(address => !IsThere(OnWire(address), assigned))];
    }

    private static bool IsThere(IPAddress address, List<Assigned> assigned) =>
        address.Equals(IPAddress.Any)
        || address.Equals(IPAddress.IPv6Any)
        || assigned.Exists(each => each.IsUsable && each.Covers(address));

    /// <summary>Without a scope, which is a matter of the asking socket.</summary>
    private static IPAddress OnWire(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes());

    /// <summary>Once more if the addresses changed while the kernel counted them.</summary>
    private static List<Assigned> Dump(SafeFileHandle socket)
    {
        while (true)
        {
            List<Assigned> assigned = [];
            bool changed = false;
            Libc.Send(socket, Request(), "RTM_GETADDR");
            byte[] buffer = new byte[BufferSize];
            bool done = false;
            while (!done)
            {
                int length = Libc.TryReceive(socket, buffer, flags: 0);
                if (length is -Errno.EINTR)
                {
                    continue;
                }

                done = length > 0
                    ? Parse(buffer.AsSpan(0, length), assigned, ref changed)
                    : throw new LinuxException("recv", "RTM_GETADDR", -length);
            }

            if (!changed)
            {
                return assigned;
            }
        }
    }

    private static byte[] Request()
    {
        byte[] request = new byte[HeaderSize + AddressMessageSize];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), RTM_GETADDR);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), NLM_F_REQUEST | NLM_F_DUMP);
        return request;
    }

    /// <summary>True after the last message of the dump.</summary>
    internal static bool Parse(ReadOnlySpan<byte> messages, List<Assigned> assigned, ref bool changed)
    {
        while (messages.Length >= HeaderSize)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(messages);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(messages[4..]);
            if (length < HeaderSize || length > messages.Length)
            {
                throw new LinuxException("recv", "RTM_GETADDR", Errno.EBADMSG);
            }

            changed |= (BinaryPrimitives.ReadUInt16LittleEndian(messages[6..]) & NLM_F_DUMP_INTR) != 0;
            ReadOnlySpan<byte> body = messages[HeaderSize..length];
            switch (type)
            {
                case NLMSG_DONE:
                    return true;
                case NLMSG_ERROR:
                    throw new LinuxException("RTM_GETADDR", null, -BinaryPrimitives.ReadInt32LittleEndian(body));
                case RTM_NEWADDR when ParseAddress(body) is { } address:
                    assigned.Add(address);
                    break;
                default:
                    break;
            }

            messages = messages[Math.Min(Aligned(length), messages.Length)..];
        }

        return false;
    }

    private static Assigned? ParseAddress(ReadOnlySpan<byte> body)
    {
        int prefixLength = body[1];
        uint flags = body[2];
        int index = BinaryPrimitives.ReadInt32LittleEndian(body[4..]);
        IPAddress? address = null;
        bool isLocal = false;
        ReadOnlySpan<byte> attributes = body[AddressMessageSize..];
        while (attributes.Length >= AttributeHeaderSize)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            if (length < AttributeHeaderSize || length > attributes.Length)
            {
                throw new LinuxException("recv", "RTM_NEWADDR", Errno.EBADMSG);
            }

            ReadOnlySpan<byte> value = attributes[AttributeHeaderSize..length];
            switch (BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]))
            {
                // Ours, where IFA_ADDRESS is the other end of a point-to-point link.
                case IFA_LOCAL:
                    address = new IPAddress(value);
                    isLocal = true;
                    break;
                case IFA_ADDRESS when !isLocal:
                    address = new IPAddress(value);
                    break;
                case IFA_FLAGS:
                    flags = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                default:
                    break;
            }

            attributes = attributes[Math.Min(Aligned(length), attributes.Length)..];
        }

        return address is null ? null : new Assigned(address, prefixLength, index, flags);
    }

    private static int Aligned(int length) => (length + 3) & ~3;
}
