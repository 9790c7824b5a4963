using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Nexthop objects, ip-nexthop(8), which routes refer to by number; groups after those that they consist of.
/// <code>
///   nhmsg  family 1 | scope 1 | protocol 1 | reserved 1 | flags 4
/// </code>
/// </summary>
internal sealed class NexthopObjects() : NetworkObjects("nexthop", RTM_NEWNEXTHOP, 8)
{
    private const int ScopeOffset = 1;
    private const int FlagsOffset = 4;

    protected override IEnumerable<RouteMessage> Questions => [Question(AF_UNSPEC)];

    public override ushort FlagsToAdd(RouteMessage message) => NLM_F_CREATE | NLM_F_EXCL;

    /// <summary>Its number and nothing else.</summary>
    public override RouteMessage ToRemove(RouteMessage message)
    {
        RouteMessage number = Question(AF_UNSPEC);
        number.Set(RouteAttribute.Of(NHA_ID, message.Number(NHA_ID) ?? 0));
        return number;
    }

    public override RouteMessage? Translate(RouteMessage message, Func<int, int?> link)
    {
        RouteMessage copy = message.Copy();
        return TranslateAttribute(copy, NHA_OIF, link) ? copy : null;
    }

    protected override RouteMessage? Reduce(RouteMessage message)
    {
        // The kernel reads these messages strictly: it finds the scope itself, and refuses what it does not know.
        message.Header[ScopeOffset] = 0;
        message.SetHeader(FlagsOffset, (uint)message.HeaderInt32(FlagsOffset) & RTNH_F_ONLINK);
        message.KeepOnly(NHA_ID, NHA_GROUP, NHA_GROUP_TYPE, NHA_BLACKHOLE, NHA_OIF, NHA_GATEWAY, NHA_ENCAP_TYPE, NHA_ENCAP, NHA_FDB);
        if (message.Value(NHA_ENCAP) is { } encapsulation)
        {
            message.Set(new RouteAttribute(NHA_ENCAP | NLA_F_NESTED, encapsulation));
        }

        return message;
    }

    protected override string Words(RouteMessage message, Func<int, string> link) => $"{message.Number(NHA_ID)}";
}
