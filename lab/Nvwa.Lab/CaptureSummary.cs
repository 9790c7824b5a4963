namespace Nvwa.Lab;

/// <summary>What a capture saw.</summary>
/// <param name="Packets">All of them: a capture with none proves nothing.</param>
/// <param name="Refusals">Each packet that would make a peer give up its connection.</param>
public sealed record CaptureSummary(long Packets, IReadOnlyList<Refusal> Refusals)
{
    public int Resets => Refusals.Count(refusal => refusal.Kind == RefusalKind.Reset);

    public int Unreachables => Refusals.Count(refusal => refusal.Kind == RefusalKind.Unreachable);

    /// <summary>Reads a pcap file of Ethernet frames.</summary>
    internal static CaptureSummary Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        long packets = 0;
        var refusals = new List<Refusal>();
        foreach (PcapPacket packet in PcapReader.Read(file))
        {
            packets++;
            if (EthernetFrame.FindRefusal(packet) is { } refusal)
            {
                refusals.Add(refusal);
            }
        }

        return new CaptureSummary(packets, refusals);
    }
}

public enum RefusalKind
{
    None = 0,

    /// <summary>TCP with RST.</summary>
    Reset,

    /// <summary>ICMP or ICMPv6 destination unreachable, other than "too big".</summary>
    Unreachable,
}

/// <param name="Kind">What makes it one.</param>
/// <param name="Time">The capturing host's wall clock.</param>
/// <param name="Source">The sender: address and port, or the address alone for ICMP.</param>
/// <param name="Destination">The receiver, likewise.</param>
public sealed record Refusal(RefusalKind Kind, DateTimeOffset Time, string Source, string Destination)
{
    public override string ToString() => $"{Time:HH:mm:ss.ffffff} {Kind} {Source} > {Destination}";
}
