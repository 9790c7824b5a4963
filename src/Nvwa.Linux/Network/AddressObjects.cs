using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Addresses of links. What the kernel gives a link by itself (lo's, link-local ones) it gives again; one whose uniqueness was
/// refuted is no longer ours. A temporary address of the kernel's privacy extensions comes back as an ordinary one that no new
/// connection prefers: those that it has go on, and it ends when it would have ended.
/// <code>
///   ifaddrmsg  family 1 | prefix length 1 | flags 1 | scope 1 | interface index 4
/// </code>
/// </summary>
internal sealed class AddressObjects() : NetworkObjects("address", RTM_NEWADDR, 8)
{
    private const int FlagsOffset = 2;
    private const int IndexOffset = 4;

    /// <summary>struct ifa_cacheinfo: preferred 4 | valid 4 | created 4 | updated 4, all in seconds but the last two.</summary>
    private const int CacheInfoSize = 16;

    private const uint Settable = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

    protected override IEnumerable<RouteMessage> Questions => [Question(AF_UNSPEC)];

    /// <summary>IPv6 addresses are put in front of those that are there, so that the last one is told first.</summary>
    public static IEnumerable<RouteMessage> InOrderToAdd(IReadOnlyList<RouteMessage> read) =>
        [.. read.Where(each => each.Family == AF_INET), .. read.Where(each => each.Family == AF_INET6).Reverse()];

    public static int Link(RouteMessage message) => message.HeaderInt32(IndexOffset);

    /// <summary>Of a point-to-point link our end. Four or sixteen bytes.</summary>
    public static byte[] Own(RouteMessage message) => message.Value(IFA_LOCAL) ?? message.Value(IFA_ADDRESS) ?? [];

    /// <summary>With nothing behind its prefix: of a point-to-point link where its other end is.</summary>
    public static byte[] Network(RouteMessage message)
    {
        byte[] network = [.. message.Value(IFA_ADDRESS) ?? Own(message)];
        for (int bit = message.Header[1]; bit < network.Length * 8; bit++)
        {
            network[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return network;
    }

    /// <summary>Of a lease, the seconds that are left of it; null for ever.</summary>
    public static uint? Rest(RouteMessage message) => Lifetimes(message).Valid is not INFINITY_LIFE_TIME and var seconds ? seconds : null;

    /// <summary>The kernel has not established yet that nobody else has it.</summary>
    public static bool IsTentative(RouteMessage message) => (message.Header[FlagsOffset] & IFA_F_TENTATIVE) != 0;

    public static uint Flags(RouteMessage message) => message.Number(IFA_FLAGS) ?? 0;

    /// <summary>The same address, with or without the kernel asking around whether somebody else has it.</summary>
    public static RouteMessage With(RouteMessage message, uint flags)
    {
        RouteMessage copy = message.Copy();
        copy.Set(RouteAttribute.Of(IFA_FLAGS, flags));
        copy.Sort();
        return copy;
    }

    /// <summary>Of IPv6 the kernel finds out first whether another host has it.</summary>
    /// <param name="link">Its index.</param>
    /// <param name="address">Without a scope.</param>
    /// <param name="prefixLength">In bits.</param>
    /// <param name="seconds">Until it ends; null for never.</param>
    public static RouteMessage New(int link, IPAddress address, int prefixLength, uint? seconds)
    {
        bool is4 = address.AddressFamily == AddressFamily.InterNetwork;
        byte[] bytes = address.GetAddressBytes();
        RouteMessage message = new([is4 ? AF_INET : AF_INET6, (byte)prefixLength, 0, 0, 0, 0, 0, 0], []);
        message.SetHeader(IndexOffset, link);
        message.Set(new RouteAttribute(IFA_ADDRESS, bytes));
        message.Set(new RouteAttribute(IFA_LOCAL, bytes));
        if (seconds is { } valid)
        {
            byte[] times = new byte[CacheInfoSize];
            BinaryPrimitives.WriteUInt32LittleEndian(times, valid);
            BinaryPrimitives.WriteUInt32LittleEndian(times.AsSpan(4), valid);
            message.Set(new RouteAttribute(IFA_CACHEINFO, times));
        }

        return message;
    }

    public override ushort FlagsToAdd(RouteMessage message) => NLM_F_CREATE | NLM_F_REPLACE;

    public override string Key(RouteMessage message) =>
        $"{Link(message)} {Convert.ToHexString(Own(message))}/{message.Header[1]} {Convert.ToHexString(message.Value(IFA_ADDRESS) ?? [])}";

    public override string Meaning(RouteMessage message)
    {
        // An existing address keeps its label whatever it is told.
        RouteMessage copy = message.Copy();
        copy.Header[FlagsOffset] = 0;
        copy.Remove(IFA_CACHEINFO, IFA_LABEL);
        return $"{Convert.ToHexString(copy.Encode())} {Lifetimes(message).Valid == INFINITY_LIFE_TIME}";
    }

    public override RouteMessage? Translate(RouteMessage message, Func<int, int?> link) => TranslateHeader(message, IndexOffset, link);

    public override RouteMessage? Age(RouteMessage message, uint seconds)
    {
        (uint preferred, uint valid) = Lifetimes(message);
        if (valid != INFINITY_LIFE_TIME && valid <= seconds)
        {
            return null;
        }

        RouteMessage copy = message.Copy();
        Span<byte> lifetimes = stackalloc byte[CacheInfoSize];
        lifetimes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(lifetimes, Rest(preferred, seconds));
        BinaryPrimitives.WriteUInt32LittleEndian(lifetimes[4..], Rest(valid, seconds));
        copy.Set(new RouteAttribute(IFA_CACHEINFO, lifetimes.ToArray()));
        copy.Sort();
        return copy;
    }

    protected override RouteMessage? Reduce(RouteMessage message)
    {
        uint flags = message.Number(IFA_FLAGS) ?? message.Header[FlagsOffset];
        byte? madeBy = message.Value(IFA_PROTO) is [var protocol, ..] ? protocol : null;
        if (message.Family is not (AF_INET or AF_INET6) || madeBy is IFAPROT_KERNEL_LO or IFAPROT_KERNEL_LL || (flags & IFA_F_DADFAILED) != 0)
        {
            return null;
        }

        bool isTemporary = message.Family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0;
        RouteMessage reduced = isTemporary ? WithoutPreference(message) : message;
        reduced.KeepOnly(IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS, IFA_RT_PRIORITY, IFA_PROTO);
        reduced.Set(RouteAttribute.Of(IFA_FLAGS, flags & Settable));
        reduced.Header[FlagsOffset] = (byte)(flags & IFA_F_TENTATIVE);
        return reduced;
    }

    protected override string Words(RouteMessage message, Func<int, string> link) =>
        $"{Address(Own(message))}/{message.Header[1]} dev {link(Link(message))}";

    private static (uint Preferred, uint Valid) Lifetimes(RouteMessage message) =>
        message.Value(IFA_CACHEINFO) is { Length: >= 8 } times
            ? (BinaryPrimitives.ReadUInt32LittleEndian(times), BinaryPrimitives.ReadUInt32LittleEndian(times.AsSpan(4)))
            : (INFINITY_LIFE_TIME, INFINITY_LIFE_TIME);

    private static uint Rest(uint lifetime, uint seconds) =>
        lifetime == INFINITY_LIFE_TIME ? lifetime : lifetime - Math.Min(lifetime, seconds);

    private static RouteMessage WithoutPreference(RouteMessage message)
    {
        byte[] times = message.Value(IFA_CACHEINFO) is { Length: CacheInfoSize } value ? [.. value] : new byte[CacheInfoSize];
        BinaryPrimitives.WriteUInt32LittleEndian(times, 0);
        message.Set(new RouteAttribute(IFA_CACHEINFO, times));
        return message;
    }
}
