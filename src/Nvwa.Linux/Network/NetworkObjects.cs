namespace Nvwa.Linux;

/// <summary>One kind of thing that rtnetlink(7) keeps, besides links: how it is read, told again, and named.</summary>
/// <param name="noun">For messages to people.</param>
/// <param name="make">RTM_NEW...; the next number removes, the one after it asks.</param>
/// <param name="headerSize">Of the fixed part of its messages.</param>
internal abstract class NetworkObjects(string noun, ushort make, int headerSize)
{
    public ushort Make { get; } = make;

    public int HeaderSize { get; } = headerSize;

    public ushort Unmake => (ushort)(Make + 1);

    /// <summary>All that there are and that a configuration consists of, in the kernel's order.</summary>
    public List<RouteMessage> Read(RouteSocket socket)
    {
        List<RouteMessage> read = [];
        foreach (RouteMessage question in Questions)
        {
            foreach (RouteMessage message in socket.Dump((ushort)(Make + 2), question, HeaderSize, $"read {noun}s"))
            {
                // A kernel without IPv6 answers such a question with all that it has.
                if ((question.Family == Rtnetlink.AF_UNSPEC || question.Family == message.Family) && Reduced(message) is { } reduced)
                {
                    read.Add(reduced);
                }
            }
        }

        return read;
    }

    /// <summary>What can be told to a kernel, in one order; null for what a configuration does not consist of.</summary>
    public RouteMessage? Reduced(RouteMessage message)
    {
        RouteMessage? reduced = Reduce(message);
        reduced?.Sort();
        return reduced;
    }

    /// <exception cref="InvalidDataException">These bytes are no such message.</exception>
    public RouteMessage Parse(byte[] bytes) => RouteMessage.Parse(bytes, HeaderSize);

    /// <summary>NLM_F_... for one that is not there yet.</summary>
    public abstract ushort FlagsToAdd(RouteMessage message);

    /// <summary>What the kernel wants to be told to remove it.</summary>
    public virtual RouteMessage ToRemove(RouteMessage message) => message;

    /// <summary>What makes it the same one, in other words than before or not.</summary>
    public virtual string Key(RouteMessage message) => Meaning(message);

    /// <summary>Equal for two that need not be told apart: without what passes with time.</summary>
    public virtual string Meaning(RouteMessage message) => Convert.ToHexString(message.Encode());

    /// <summary>Puts other indexes of links in the place of those in the message; null if one of them is not there.</summary>
    public virtual RouteMessage? Translate(RouteMessage message, Func<int, int?> link) => message;

    /// <summary>Takes time away that has passed; null if none is left.</summary>
    /// <param name="message">As it was read.</param>
    /// <param name="seconds">Since then.</param>
    public virtual RouteMessage? Age(RouteMessage message, uint seconds) => message;

    /// <summary>For messages to people: <c>route 192.0.2.0/24 via 198.51.100.1 dev eth0</c>.</summary>
    public string Describe(RouteMessage message, Func<int, string> link) => $"{noun} {Words(message, link)}";

    protected abstract IEnumerable<RouteMessage> Questions { get; }

    protected abstract RouteMessage? Reduce(RouteMessage message);

    protected abstract string Words(RouteMessage message, Func<int, string> link);

    protected RouteMessage Question(byte family)
    {
        byte[] header = new byte[HeaderSize];
        header[0] = family;
        return new RouteMessage(header, []);
    }

    /// <summary>Puts another index in the place of an attribute's; false if there is no such link.</summary>
    protected static bool TranslateAttribute(RouteMessage message, ushort type, Func<int, int?> link)
    {
        if (message.Number(type) is not { } index)
        {
            return true;
        }

        if (link((int)index) is not { } other)
        {
            return false;
        }

        int at = message.Attributes.FindIndex(each => each.Number == type);
        message.Attributes[at] = RouteAttribute.Of(type, (uint)other);
        return true;
    }

    /// <summary>The same for a fixed part's.</summary>
    protected static RouteMessage? TranslateHeader(RouteMessage message, int offset, Func<int, int?> link)
    {
        if (link(message.HeaderInt32(offset)) is not { } other)
        {
            return null;
        }

        RouteMessage copy = message.Copy();
        copy.SetHeader(offset, other);
        return copy;
    }

    /// <summary>An address of either family as people write it.</summary>
    protected static string Address(byte[]? bytes) =>
        bytes is { Length: 4 or 16 } ? new System.Net.IPAddress(bytes).ToString() : "?";
}
