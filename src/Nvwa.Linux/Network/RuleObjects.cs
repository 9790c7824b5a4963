using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Rules that choose the routing table, ip-rule(8). They name links, and do so also where there is none of the name.
/// <code>
///   fib_rule_hdr  family 1 | destination bits 1 | source bits 1 | tos 1 | table 1 | reserved 2 | action 1 | flags 4
/// </code>
/// </summary>
internal sealed class RuleObjects() : NetworkObjects("rule", RTM_NEWRULE, 12)
{
    private const int FlagsOffset = 8;

    protected override IEnumerable<RouteMessage> Questions => [Question(AF_INET), Question(AF_INET6)];

    /// <summary>Where it stands in the list.</summary>
    public static string Place(RouteMessage message) => $"{message.Family} {message.Number(FRA_PRIORITY) ?? 0}";

    public override ushort FlagsToAdd(RouteMessage message) => NLM_F_CREATE | NLM_F_EXCL;

    protected override RouteMessage? Reduce(RouteMessage message)
    {
        message.SetHeader(FlagsOffset, (uint)message.HeaderInt32(FlagsOffset) & FIB_RULE_INVERT);
        message.Remove(FRA_PAD);
        return message;
    }

    protected override string Words(RouteMessage message, Func<int, string> link) =>
        $"{message.Number(FRA_PRIORITY) ?? 0} of {(message.Family == AF_INET ? "IPv4" : "IPv6")}";
}
