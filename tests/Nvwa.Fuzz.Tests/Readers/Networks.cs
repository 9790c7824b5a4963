using System.Buffers.Binary;
using Nvwa.Linux;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>Kinds of messages that a network configuration consists of.</summary>
internal static class Networks
{
    public static readonly NetworkObjects[] Kinds = [new AddressObjects(), new NexthopObjects(), new RouteObjects(), new RuleObjects(), new NeighbourObjects()];

    /// <summary>A fixed part of any content, and attributes, some of them with a hop or attributes in them.</summary>
    public static byte[] Message(NetworkObjects kind, Chance chance)
    {
        List<RouteAttribute> attributes = [.. Enumerable.Range(0, chance.Below(6)).Select(_ => Attribute(chance))];
        return [chance.OneIn(2) ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6, .. chance.Bytes(kind.HeaderSize - 1), .. RouteAttribute.Encode(attributes)];
    }

    /// <summary>Everything that is done with a message before the kernel gets it.</summary>
    public static void Use(NetworkObjects kind, RouteMessage message)
    {
        Assert.NotEmpty(kind.Describe(message, index => $"link {index}"));
        Assert.NotEmpty(kind.Key(message));
        if (kind.Age(message, seconds: 10) is { } aged && kind.Translate(aged, index => index + 1) is { } translated)
        {
            Assert.NotEmpty(kind.Meaning(translated));
            Assert.NotEmpty(kind.ToRemove(translated).Encode());
        }
    }

    private static RouteAttribute Attribute(Chance chance)
    {
        ushort type = (ushort)chance.Below(32);
        return type == Rtnetlink.RTA_MULTIPATH ? new RouteAttribute(type, Hop(chance)) : new RouteAttribute(type, chance.Bytes(chance.Pick([1, 4, 8, 16])));
    }

    private static byte[] Hop(Chance chance)
    {
        byte[] hop = [0, 0, .. chance.Bytes(6), .. RouteAttribute.Encode([RouteAttribute.Of(Rtnetlink.RTA_GATEWAY, (uint)chance.Next())])];
        BinaryPrimitives.WriteUInt16LittleEndian(hop, (ushort)hop.Length);
        return hop;
    }
}

/// <summary>The file.</summary>
internal sealed class NetworkFile() : Target("network")
{
    public override int Rounds => 1_000;

    public override IReadOnlyList<byte[]> Words { get; } = Bytes(
        "null", "7", "-1", "\"\"", "[]", "{}", "[null]", "\"AAAA\"", "\"\\ud800\"", "1e400", "4294967296", "\"origin\":\"Virtual\"", "\"kind\":null,", "\"kind\":\"bond\",", "\"../x\":\"\"", ",");

    public override IReadOnlyList<byte[]> Openers { get; } = Bytes("[", "{\"a\":", "{\"links\":[", " ");

    public override byte[] Valid(Chance chance)
    {
        NetworkSnapshot snapshot = new(
            chance.Number(0, int.MaxValue),
            [.. Enumerable.Range(1, chance.Below(4)).Select(index => Link(index, chance))],
            Some(new AddressObjects(), chance),
            Some(new NexthopObjects(), chance),
            Some(new RouteObjects(), chance),
            Some(new RuleObjects(), chance),
            Some(new NeighbourObjects(), chance),
            new FirewallRules(Invented.Of<string>(chance), chance.OneIn(2) ? [] : [new XtablesRules(chance.Pick(Firewall.Tools), Invented.Of<string>(chance))]),
            new Dictionary<string, string> { [$"ipv4/conf/eth{chance.Below(3)}/rp_filter"] = Invented.Of<string>(chance) },
            [.. Invented.Of<IReadOnlyList<string>>(chance)],
            [new ManagerFile(ManagerFileKind.NetworkManagerProfile, "Wired connection 1.nmconnection", Invented.Of<string>(chance))]);
        byte[] bytes = new NetworkConfiguration(snapshot).ToBytes();
        Assert.Equal(bytes, NetworkConfiguration.Parse(bytes).ToBytes());
        return bytes;
    }

    public override Task ReadAsync(byte[] input)
    {
        try
        {
            NetworkSnapshot snapshot = NetworkConfiguration.Parse(input).Snapshot;
            IReadOnlyList<byte[]>[] lists = [snapshot.Addresses, snapshot.Nexthops, snapshot.Routes, snapshot.Rules, snapshot.Neighbours];
            foreach ((NetworkObjects kind, IReadOnlyList<byte[]> messages) in Networks.Kinds.Zip(lists))
            {
                Assert.All(messages, message => Networks.Use(kind, kind.Parse(message)));
            }
        }
        catch (InvalidDataException)
        {
            // Not what this version writes.
        }

        return Task.CompletedTask;
    }

    private static IReadOnlyList<byte[]> Some(NetworkObjects kind, Chance chance) => [.. Enumerable.Range(0, chance.Below(3)).Select(_ => Networks.Message(kind, chance))];

    private static NetworkLink Link(int index, Chance chance) => new(
        index,
        $"eth{index}",
        chance.Pick([LinkOrigin.Loopback, LinkOrigin.Hardware, LinkOrigin.Virtual, LinkOrigin.Program]),
        chance.Pick(["bond", "bridge", "vlan"]),
        (uint)chance.Next(),
        chance.Bytes(6),
        chance.Bytes(6),
        chance.Below(4),
        chance.Below(4),
        (uint)chance.Next(),
        (uint)chance.Next(),
        (uint)chance.Next(),
        chance.OneIn(2) ? null : Invented.Of<string>(chance),
        chance.OneIn(2) ? [] : ["enp0s1"],
        RouteAttribute.Encode([RouteAttribute.Of(3, (uint)chance.Next())]),
        [],
        chance.Bytes(4 * chance.Below(3)));
}

/// <summary>What the kernel says, as each kind of thing reads it.</summary>
internal sealed class NetworkMessages() : Target("network-message")
{
    public override int Rounds => 2_000;

    public override IReadOnlyList<byte[]> Words { get; } = [[0, 0], [3, 0], [4, 0, 9, 0], [8, 0, 9, 0, 8, 0, 0, 0], [0xFF, 0xFF], [12, 0, 9, 0]];

    public override byte[] Valid(Chance chance) => Networks.Message(chance.Pick(Networks.Kinds), chance);

    public override Task ReadAsync(byte[] input)
    {
        foreach (NetworkObjects kind in Networks.Kinds)
        {
            try
            {
                if (kind.Reduced(kind.Parse(input)) is { } reduced)
                {
                    Networks.Use(kind, reduced);
                }
            }
            catch (InvalidDataException)
            {
                // No such message.
            }
        }

        return Task.CompletedTask;
    }
}
