using System.Buffers.Binary;
using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// Neighbours that somebody set for good, and addresses that the host answers for (proxy). What the kernel learnt it learns
/// again; what a control plane taught it (extern_learn) that one teaches again.
/// <code>
///   ndmsg  family 1 | padding 3 | interface index 4 | state 2 | flags 1 | type 1
/// </code>
/// </summary>
internal sealed class NeighbourObjects() : NetworkObjects("neighbour", RTM_NEWNEIGH, 12)
{
    private const int IndexOffset = 4;
    private const int StateOffset = 8;
    private const int FlagsOffset = 10;
    private const int TypeOffset = 11;

    protected override IEnumerable<RouteMessage> Questions => [Question(AF_UNSPEC), ProxyQuestion()];

    public override ushort FlagsToAdd(RouteMessage message) => NLM_F_CREATE | NLM_F_REPLACE;

    public override string Key(RouteMessage message) =>
        $"{message.HeaderInt32(IndexOffset)} {Convert.ToHexString(message.Value(NDA_DST) ?? [])} {message.Header[FlagsOffset] & NTF_PROXY}";

    public override RouteMessage? Translate(RouteMessage message, Func<int, int?> link) =>

        // A proxy's link may be left open.
        message.HeaderInt32(IndexOffset) == 0 ? message : TranslateHeader(message, IndexOffset, link);

    protected override RouteMessage? Reduce(RouteMessage message)
    {
        byte flags = message.Header[FlagsOffset];
        bool isProxy = (flags & NTF_PROXY) != 0;
        ushort state = BinaryPrimitives.ReadUInt16LittleEndian(message.Header.AsSpan(StateOffset));
        if (message.Family is not (AF_INET or AF_INET6) || (flags & NTF_EXT_LEARNED) != 0 || !(isProxy || (state & NUD_PERMANENT) != 0))
        {
            return null;
        }

        message.Header[FlagsOffset] = (byte)(flags & (NTF_PROXY | NTF_ROUTER));
        message.Header[TypeOffset] = 0;
        message.KeepOnly(NDA_DST, NDA_LLADDR, NDA_PROTOCOL);
        return message;
    }

    protected override string Words(RouteMessage message, Func<int, string> link) =>
        $"{Address(message.Value(NDA_DST))} dev {link(message.HeaderInt32(IndexOffset))}";

    private RouteMessage ProxyQuestion()
    {
        RouteMessage question = Question(AF_UNSPEC);
        question.Header[FlagsOffset] = NTF_PROXY;
        return question;
    }
}
