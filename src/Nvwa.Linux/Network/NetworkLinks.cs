using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Links of the socket's network namespace, read and told.
/// <code>
///   ifinfomsg  family 1 | padding 1 | type 2 | interface index 4 | flags 4 | change mask 4
/// </code>
/// </summary>
internal static class NetworkLinks
{
    /// <summary>Those flags of a link that are set from outside.</summary>
    public const uint SettableFlags = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST;

    private const int HeaderSize = 16;
    private const int TypeOffset = 2;
    private const int IndexOffset = 4;
    private const int FlagsOffset = 8;
    private const int ChangeOffset = 12;
    private const int ARPHRD_LOOPBACK = 772;
    private const int VlanInfoSize = 4;

    /// <summary>All of them, lower ones before those that stand on them.</summary>
    public static List<NetworkLink> Read(RouteSocket socket)
    {
        Dictionary<int, byte[]> vlans = ReadVlans(socket);
        return InOrder([.. Dump(socket).Select(message => Parse(message, vlans))]);
    }

    /// <summary>Something is at the other end of its cable.</summary>
    public static bool HasCarrier(RouteSocket socket, int index) => Dump(socket)
        .Exists(message => message.HeaderInt32(IndexOffset) == index && ((uint)message.HeaderInt32(FlagsOffset) & IFF_LOWER_UP) != 0);

    /// <summary>Attributes in a link's <see cref="NetworkLink.Data"/>, as far as they are set from outside.</summary>
    public static List<RouteAttribute> Settings(byte[] data) => RouteAttribute.Parse(data);

    /// <summary>
    /// With its hardware address from the first moment: to one that the kernel invented udev would give another
    /// (MACAddressPolicy=persistent).
    /// </summary>
    /// <param name="socket">Of the namespace to make it in.</param>
    /// <param name="link">Of a known kind.</param>
    /// <param name="lower">Index of the link that it stands on; 0 for none.</param>
    /// <param name="data">What its kind wants at creation.</param>
    /// <param name="peer">The other end of a pair.</param>
    public static void Make(RouteSocket socket, NetworkLink link, int lower, List<RouteAttribute> data, NetworkLink? peer)
    {
        LinkKind kind = LinkKind.Find(link.Kind)!;
        RouteMessage message = Message(0);
        AddName(message, link, withAddress: !kind.FollowsLower);
        if (lower != 0)
        {
            message.Set(RouteAttribute.Of(IFLA_LINK, (uint)lower));
        }

        if (peer is not null)
        {
            RouteMessage other = Message(0);
            AddName(other, peer, withAddress: true);
            data = [new RouteAttribute(VETH_INFO_PEER | NLA_F_NESTED, other.Encode())];
        }

        message.Set(RouteAttribute.Of(
            IFLA_LINKINFO, RouteAttribute.Of(IFLA_INFO_KIND, kind.Name), RouteAttribute.Of(IFLA_INFO_DATA, data.ConvertAll(kind.ToWrite))));
        socket.Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, message, "make link", $"{link.Name} ({kind.Name})");
    }

    public static void Remove(RouteSocket socket, int index, string name) =>
        socket.Request(RTM_NEWLINK + 1, 0, Message(index), "remove link", name);

    public static void Set(RouteSocket socket, int index, RouteAttribute attribute, string operation, string name)
    {
        RouteMessage message = Message(index);
        message.Set(attribute);
        socket.Request(RTM_NEWLINK, 0, message, operation, name);
    }

    /// <summary>One attribute of the link's kind.</summary>
    public static void SetData(RouteSocket socket, int index, string kind, RouteAttribute attribute, string name) => Set(
        socket,
        index,
        RouteAttribute.Of(IFLA_LINKINFO, RouteAttribute.Of(IFLA_INFO_KIND, kind), RouteAttribute.Of(IFLA_INFO_DATA, LinkKind.Find(kind)?.ToWrite(attribute) ?? attribute)),
        $"set {kind} attribute {attribute.Number} of link",
        name);

    /// <summary>One attribute that the link's master keeps for it.</summary>
    public static void SetPortData(RouteSocket socket, int index, string masterKind, RouteAttribute attribute, string name) => Set(
        socket,
        index,
        RouteAttribute.Of(IFLA_LINKINFO, RouteAttribute.Of(IFLA_INFO_SLAVE_KIND, masterKind), RouteAttribute.Of(IFLA_INFO_SLAVE_DATA, attribute)),
        $"set {masterKind} port attribute {attribute.Number} of link",
        name);

    public static void SetFlags(RouteSocket socket, int index, uint flags, uint mask, string name)
    {
        RouteMessage message = Message(index);
        message.SetHeader(FlagsOffset, flags & mask);
        message.SetHeader(ChangeOffset, mask);
        string operation = (mask & IFF_UP) == 0 ? "set flags of link" : (flags & IFF_UP) == 0 ? "set down link" : "set up link";
        socket.Request(RTM_NEWLINK, 0, message, operation, name);
    }

    public static void AddName(RouteSocket socket, int index, string other, string name) =>
        ChangeName(socket, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL, index, other, name);

    public static void RemoveName(RouteSocket socket, int index, string other, string name) =>
        ChangeName(socket, RTM_NEWLINKPROP + 1, 0, index, other, name);

    /// <summary>VLANs that a bridge lets through at a port, or at itself.</summary>
    public static void ChangeVlans(RouteSocket socket, int index, bool isBridge, byte[] from, byte[] to, string name)
    {
        if (from.Length > 0)
        {
            socket.Request(RTM_NEWLINK + 1, 0, VlanMessage(index, isBridge, from), "remove VLANs of link", name);
        }

        if (to.Length > 0)
        {
            socket.Request(RTM_SETLINK, 0, VlanMessage(index, isBridge, to), "set VLANs of link", name);
        }
    }

    /// <summary>Lower ones before those that stand on them; the ends of a pair stand on each other.</summary>
    internal static List<NetworkLink> InOrder(IReadOnlyList<NetworkLink> links)
    {
        var byIndex = links.ToDictionary(link => link.Index);
        HashSet<int> seen = [];
        List<NetworkLink> ordered = [];
        foreach (NetworkLink each in links)
        {
            Stack<NetworkLink> chain = new();
            for (NetworkLink? link = each; link is not null && seen.Add(link.Index); link = byIndex.GetValueOrDefault(link.Lower))
            {
                chain.Push(link);
            }

            ordered.AddRange(chain);
        }

        return ordered;
    }

    private static List<RouteMessage> Dump(RouteSocket socket)
    {
        RouteMessage question = Message(0);
        question.Set(RouteAttribute.Of(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS));
        return socket.Dump(RTM_NEWLINK + 2, question, HeaderSize, "read links");
    }

    private static RouteMessage Message(int index)
    {
        RouteMessage message = new(new byte[HeaderSize], []);
        message.SetHeader(IndexOffset, index);
        return message;
    }

    private static void AddName(RouteMessage message, NetworkLink link, bool withAddress)
    {
        message.Set(RouteAttribute.Of(IFLA_IFNAME, link.Name));
        if (withAddress && link.Address.Length > 0)
        {
            message.Set(new RouteAttribute(IFLA_ADDRESS, link.Address));
        }
    }

    private static void ChangeName(RouteSocket socket, ushort type, ushort flags, int index, string other, string name)
    {
        RouteMessage message = Message(index);
        message.Set(RouteAttribute.Of(IFLA_PROP_LIST, RouteAttribute.Of(IFLA_ALT_IFNAME, other)));
        socket.Request(type, flags, message, $"change alternative name {other} of link", name);
    }

    private static RouteMessage VlanMessage(int index, bool isBridge, byte[] vlans)
    {
        RouteMessage message = Message(index);
        message.Header[0] = AF_BRIDGE;
        List<RouteAttribute> content = [.. vlans.Chunk(VlanInfoSize).Select(each => new RouteAttribute(IFLA_BRIDGE_VLAN_INFO, each))];
        if (isBridge)
        {
            content.Insert(0, new RouteAttribute(IFLA_BRIDGE_FLAGS, BitConverter.GetBytes(BRIDGE_FLAGS_SELF)));
        }

        message.Set(RouteAttribute.Of(IFLA_AF_SPEC, content));
        return message;
    }

    private static Dictionary<int, byte[]> ReadVlans(RouteSocket socket)
    {
        RouteMessage question = Message(0);
        question.Header[0] = AF_BRIDGE;
        question.Set(RouteAttribute.Of(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED));
        Dictionary<int, byte[]> vlans = [];
        foreach (RouteMessage message in socket.Dump(RTM_NEWLINK + 2, question, HeaderSize, "read VLANs of bridges"))
        {
            // A port is answered for by its bridge and, without VLANs, by drivers that know of bridging.
            IEnumerable<byte[]> found = RouteAttribute.Parse(message.Value(IFLA_AF_SPEC))
                .Where(each => each.Number == IFLA_BRIDGE_VLAN_INFO && each.Value.Length == VlanInfoSize)
                .Select(each => each.Value);
            int index = message.HeaderInt32(IndexOffset);
            vlans[index] = [.. vlans.GetValueOrDefault(index) ?? [], .. found.SelectMany(each => each)];
        }

        return vlans;
    }

    private static NetworkLink Parse(RouteMessage message, Dictionary<int, byte[]> vlans)
    {
        List<RouteAttribute> info = RouteAttribute.Parse(message.Value(IFLA_LINKINFO));
        string? kind = info.Find(each => each.Number == IFLA_INFO_KIND) is { Value: not null } named ? named.Text() : null;
        string? masterKind = info.Find(each => each.Number == IFLA_INFO_SLAVE_KIND) is { Value: not null } master ? master.Text() : null;
        int index = message.HeaderInt32(IndexOffset);
        return new NetworkLink(
            index,
            message.Text(IFLA_IFNAME) ?? "",
            OriginOf(message, kind),
            kind,
            (uint)message.HeaderInt32(FlagsOffset) & SettableFlags,
            message.Value(IFLA_ADDRESS) ?? [],
            message.Value(IFLA_PERM_ADDRESS) ?? [],
            message.Has(IFLA_LINK_NETNSID) ? 0 : (int)(message.Number(IFLA_LINK) ?? 0),
            (int)(message.Number(IFLA_MASTER) ?? 0),
            message.Number(IFLA_MTU) ?? 0,
            message.Number(IFLA_TXQLEN) ?? 0,
            message.Number(IFLA_GROUP) ?? 0,
            message.Text(IFLA_IFALIAS),
            [.. RouteAttribute.Parse(message.Value(IFLA_PROP_LIST)).Where(each => each.Number == IFLA_ALT_IFNAME).Select(each => each.Text())],
            LinkKind.Find(kind) is { } known ? Kept(info, IFLA_INFO_DATA, each => !known.Read.Contains(each.Number)) : [],
            LinkKind.Find(masterKind) is { } over ? Kept(info, IFLA_INFO_SLAVE_DATA, each => over.OfPorts.Contains(each.Number)) : [],
            vlans.GetValueOrDefault(index) ?? []);
    }

    private static LinkOrigin OriginOf(RouteMessage message, string? kind) =>
        (ushort)(message.HeaderInt32(0) >> (8 * TypeOffset)) == ARPHRD_LOOPBACK ? LinkOrigin.Loopback
        : kind is null ? LinkOrigin.Hardware
        : LinkKind.Find(kind) is not null && !message.Has(IFLA_LINK_NETNSID) ? LinkOrigin.Virtual
        : LinkOrigin.Program;

    private static byte[] Kept(List<RouteAttribute> info, ushort type, Func<RouteAttribute, bool> isKept) =>
        RouteAttribute.Encode([.. RouteAttribute.Parse(info.Find(each => each.Number == type).Value).Where(isKept)]);
}
