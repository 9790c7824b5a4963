using System.Buffers.Binary;
using System.Globalization;
using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Routes of all tables, but not those that the kernel makes for addresses by itself: of these an address's network is read, as a
/// manager may have made it in the kernel's name (<see cref="IsForAddress"/>). They keep who made them (proto), so that a network
/// manager knows its own.
/// <code>
///   rtmsg      family 1 | destination bits 1 | source bits 1 | tos 1 | table 1 | protocol 1 | scope 1 | type 1 | flags 4
///   rtnexthop  length 2 | flags 1 | hops 1 | interface index 4 | attributes
/// </code>
/// </summary>
internal sealed class RouteObjects() : NetworkObjects("route", RTM_NEWROUTE, 12)
{
    private const int ProtocolOffset = 5;
    private const int TypeOffset = 7;
    private const int FlagsOffset = 8;
    private const int HopSize = 8;

    /// <summary>struct rta_cacheinfo: references 4 | last used 4 | expires 4, in hundredths of a second | ...</summary>
    private const int ExpiresOffset = 8;

    private const int TicksPerSecond = 100;

    protected override IEnumerable<RouteMessage> Questions => [Question(AF_INET), Question(AF_INET6)];

    public static bool IsOfKernel(RouteMessage message) => message.Header[ProtocolOffset] == RTPROT_KERNEL;

    /// <summary>
    /// NetworkManager adds addresses without their networks (IFA_F_NOPREFIXROUTE), and these as the kernel would, with a metric of
    /// its own.
    /// </summary>
    public static bool IsForAddress(RouteMessage route, RouteMessage address) =>
        (AddressObjects.Flags(address) & IFA_F_NOPREFIXROUTE) != 0
        && route.Family == address.Family
        && route.Number(RTA_OIF) == (uint)AddressObjects.Link(address)
        && route.Header[1] == address.Header[1]
        && AddressObjects.Network(address).AsSpan().SequenceEqual(route.Value(RTA_DST));

    public override ushort FlagsToAdd(RouteMessage message) =>

        // IPv4 keeps routes to one destination in the order in which they came; IPv6 would join an appended one to the last.
        message.Family == AF_INET ? (ushort)(NLM_F_CREATE | NLM_F_APPEND) : NLM_F_CREATE;

    public override string Meaning(RouteMessage message)
    {
        RouteMessage copy = message.Copy();
        copy.Remove(RTA_EXPIRES);
        return $"{Convert.ToHexString(copy.Encode())} {message.Has(RTA_EXPIRES)}";
    }

    public override RouteMessage? Translate(RouteMessage message, Func<int, int?> link)
    {
        RouteMessage copy = message.Copy();
        if (!TranslateAttribute(copy, RTA_OIF, link))
        {
            return null;
        }

        if (copy.Value(RTA_MULTIPATH) is { } paths)
        {
            byte[] translated = [.. paths];
            foreach (int hop in Hops(translated))
            {
                Span<byte> index = translated.AsSpan(hop + 4);
                if (link(BinaryPrimitives.ReadInt32LittleEndian(index)) is not { } other)
                {
                    return null;
                }

                BinaryPrimitives.WriteInt32LittleEndian(index, other);
            }

            copy.Set(new RouteAttribute(RTA_MULTIPATH, translated));
            copy.Sort();
        }

        return copy;
    }

    public override RouteMessage? Age(RouteMessage message, uint seconds)
    {
        if (message.Number(RTA_EXPIRES) is not { } expires)
        {
            return message;
        }

        if (expires <= seconds)
        {
            return null;
        }

        RouteMessage copy = message.Copy();
        copy.Set(RouteAttribute.Of(RTA_EXPIRES, expires - seconds));
        copy.Sort();
        return copy;
    }

    protected override RouteMessage? Reduce(RouteMessage message)
    {
        uint flags = (uint)message.HeaderInt32(FlagsOffset);
        bool isOwn = IsOfKernel(message) && (message.Header[TypeOffset] != RTN_UNICAST || !message.Has(RTA_DST));
        if (isOwn || message.Header[ProtocolOffset] == RTPROT_REDIRECT || (flags & RTM_F_CLONED) != 0)
        {
            return null;
        }

        // What the kernel says of a route's health is not for it to be told.
        message.SetHeader(FlagsOffset, flags & (RTNH_F_ONLINK | RTNH_F_PERVASIVE));
        if (message.Value(RTA_CACHEINFO) is { Length: >= ExpiresOffset + 4 } times
            && BinaryPrimitives.ReadInt32LittleEndian(times.AsSpan(ExpiresOffset)) is > 0 and var ticks)
        {
            message.Set(RouteAttribute.Of(RTA_EXPIRES, (uint)(ticks / TicksPerSecond) + 1));
        }

        message.Remove(RTA_CACHEINFO, RTA_IIF, RTA_PAD);
        if (message.Has(RTA_NH_ID))
        {
            // The nexthop object says it.
            message.Remove(RTA_OIF, RTA_GATEWAY, RTA_VIA, RTA_MULTIPATH, RTA_ENCAP, RTA_ENCAP_TYPE);
        }

        if (message.Value(RTA_MULTIPATH) is { } paths)
        {
            foreach (int hop in Hops(paths))
            {
                paths[hop + 2] &= (byte)(RTNH_F_ONLINK | RTNH_F_PERVASIVE);
            }
        }

        return message;
    }

    protected override string Words(RouteMessage message, Func<int, string> link)
    {
        string destination = message.Header[1] == 0 ? "default" : $"{Address(message.Value(RTA_DST))}/{message.Header[1]}";
        string via = message.Value(RTA_GATEWAY) is { } gateway ? $" via {Address(gateway)}" : "";
        string dev = message.Number(RTA_OIF) is { } index ? $" dev {link((int)index)}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{destination}{via}{dev} table {message.Number(RTA_TABLE) ?? message.Header[4]}");
    }

    /// <summary>Where each rtnexthop begins.</summary>
    private static List<int> Hops(byte[] paths)
    {
        List<int> hops = [];
        for (int at = 0; at + HopSize <= paths.Length;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(paths.AsSpan(at));
            if (length < HopSize || length > paths.Length - at)
            {
                throw new InvalidDataException($"A hop of {length} bytes in {paths.Length - at}.");
            }

            hops.Add(at);
            at += (length + 3) & ~3;
        }

        return hops;
    }
}
