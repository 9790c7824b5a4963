using static Nvwa.Linux.Tests.NetworkSetup;

namespace Nvwa.Linux.Tests;

/// <summary>
/// Kinds of links that are a module of the kernel. Where it has the module, what ip(8) makes of it is read, made again in
/// another namespace, and compared. Where it has not, a configuration with such a link must be refused and leave nothing.
/// </summary>
public sealed class NetworkKindTests
{
    private const string Pairs = """
        link set lo up
        link add eth0 address 02:00:00:00:00:10 type veth peer name far0 address 02:00:00:00:00:11
        link add eth1 address 02:00:00:00:00:20 type veth peer name far1 address 02:00:00:00:00:21
        link set far0 up
        link set far1 up
        """;

    private const string Bond = $"""
        {Pairs}
        link add bond0 type bond mode active-backup miimon 100 updelay 200 num_grat_arp 3
        link set eth0 master bond0
        link set eth1 master bond0
        link set bond0 type bond primary eth1
        link set bond0 mtu 1400 up
        address add 192.0.2.1/24 dev bond0
        """;

    private const string VlanOnBond = $"""
        {Bond}
        link add link bond0 name bond0.7 type vlan id 7 protocol 802.1ad egress-qos-map 1:2
        link set bond0.7 mtu 1300 up
        address add 198.51.100.1/24 dev bond0.7
        route add default via 198.51.100.254
        """;

    private const string Lacp = $"""
        {Pairs}
        link add bond0 address 02:00:00:00:00:30 type bond mode 802.3ad miimon 50 lacp_rate fast xmit_hash_policy layer3+4 ad_actor_sys_prio 77
        link set eth0 master bond0
        link set eth1 master bond0
        link set bond0 up
        """;

    private const string FilteringBridge = $"""
        {Pairs}
        link add br0 address 02:00:00:00:00:40 type bridge vlan_filtering 1 vlan_default_pvid 5
        link set eth0 master br0
        link set eth1 master br0
        link set eth0 up
        link set eth1 up
        link set br0 up
        """;

    private const string Dummy = """
        link set lo up
        link add dummy0 address 02:00:00:00:00:50 mtu 1234 type dummy
        link set dummy0 up
        address add 192.0.2.1/32 dev dummy0
        """;

    private const string Vrf = $"""
        {Pairs}
        link add blue address 02:00:00:00:00:60 type vrf table 10
        link set blue up
        link set eth0 master blue
        link set eth0 up
        address add 192.0.2.1/24 dev eth0
        route add default via 192.0.2.254 table 10
        """;

    private static readonly Dictionary<string, string> Setups = new()
    {
        [nameof(Bond)] = Bond,
        [nameof(VlanOnBond)] = VlanOnBond,
        [nameof(Lacp)] = Lacp,
        [nameof(Dummy)] = Dummy,
        [nameof(Vrf)] = Vrf,
    };

    [Theory]
    [InlineData("bond", nameof(Bond), "bond mode active-backup", "miimon 100", "primary eth1", "mtu 1400", "bond_slave")]
    [InlineData("vlan", nameof(VlanOnBond), "vlan protocol 802.1ad id 7", "bond mode active-backup")]
    [InlineData("bond", nameof(Lacp), "bond mode 802.3ad", "lacp_rate fast", "layer3+4", "ad_actor_sys_prio 77")]
    [InlineData("dummy", nameof(Dummy), "mtu 1234")]
    [InlineData("vrf", nameof(Vrf), "vrf table 10", "vrf_slave table 10")]
    public async Task A_kind_comes_back_or_is_refused(string kind, string setup, params string[] words)
    {
        string probe = kind switch
        {
            "vlan" => "link add over type veth peer name other\nlink add link over name test0 type vlan id 9",
            "vrf" => "link add test0 type vrf table 9",
            _ => $"link add test0 type {kind}",
        };
        if (!await IsKnownAsync(probe))
        {
            await RefusedAsync(snapshot => snapshot with { Links = [.. snapshot.Links, Link(kind)] }, $"make link test0 ({kind}): ");
            return;
        }

        await AssertComesBackAsync(() => Ip(Setups[setup]), words);
    }

    [Fact]
    public async Task A_bridge_that_filters_by_VLAN_comes_back_or_is_refused()
    {
        if (!await IsKnownAsync("link add test0 type bridge vlan_filtering 1"))
        {
            // IFLA_BR_VLAN_FILTERING.
            NetworkLink bridge = Link("bridge") with { Data = RouteAttribute.Encode([new RouteAttribute(7, [1])]) };
            await RefusedAsync(snapshot => snapshot with { Links = [.. snapshot.Links, bridge] }, "set bridge attribute 7 of link test0: ");
            return;
        }

        await AssertComesBackAsync(
            () =>
            {
                Ip(FilteringBridge);
                NetworkNamespace.Run("bridge", "vlan", "add", "vid", "10-20", "dev", "eth0");
                NetworkNamespace.Run("bridge", "vlan", "add", "vid", "30", "dev", "eth1", "pvid", "untagged");
                NetworkNamespace.Run("bridge", "vlan", "del", "vid", "5", "dev", "eth1");
                NetworkNamespace.Run("bridge", "vlan", "add", "vid", "40", "dev", "br0", "self");
            },
            "vlan_filtering 1",
            "vlan_default_pvid 5");
    }

    private static async Task AssertComesBackAsync(Action make, params string[] words)
    {
        NetworkConfiguration? read = null;
        string vlans = "";
        await NetworkNamespace.RunAsync(() =>
        {
            make();
            read = Read();
            vlans = NetworkNamespace.Run("bridge", "vlan", "show");
        });
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(Apply(read!));
            string links = NetworkNamespace.Run("ip", "-d", "link");
            Assert.All(words, word => Assert.Contains(word, links, StringComparison.Ordinal));
            Assert.Equal(vlans, NetworkNamespace.Run("bridge", "vlan", "show"));
            Assert.Equal(Shape(read!), Shape(Read()));
            using NetworkApplication again = new(read!.Snapshot, elapsed: 0, CancellationToken.None);
            again.Run(Short);
            Assert.Equal(0, again.Changes);
        });
    }

    private static async Task RefusedAsync(Func<NetworkSnapshot, NetworkSnapshot> change, string words)
    {
        NetworkConfiguration? read = null;
        await NetworkNamespace.RunAsync(() =>
        {
            Ip(Pairs);
            read = Read();
        });
        await NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            string before = NetworkText.Of();

            LinuxException refusal = Assert.Throws<LinuxException>(() => Apply(new NetworkConfiguration(change(read!.Snapshot))));

            Assert.StartsWith(words, refusal.Message, StringComparison.Ordinal);
            Assert.Equal(Errno.EOPNOTSUPP, refusal.Errno);
            Assert.DoesNotContain("taken back", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, NetworkText.Of());
        });
    }

    private static async Task<bool> IsKnownAsync(string command)
    {
        bool isKnown = false;
        await NetworkNamespace.RunAsync(() => isKnown = TryIp(command));
        return isKnown;
    }

    /// <summary>Without indexes, which another namespace may give in another order.</summary>
    private static string Shape(NetworkConfiguration configuration)
    {
        IReadOnlyList<NetworkLink> links = configuration.Snapshot.Links;
        return string.Join('\n', links.OrderBy(link => link.Name, StringComparer.Ordinal).Select(link =>
            $"{link.Name} {link.Kind} {link.Flags:x} {Convert.ToHexString(link.Address)} {Named(link.Lower)} {Named(link.Master)} {link.Mtu} {Data(link)} {Convert.ToHexString(link.PortData)} {Convert.ToHexString(link.Vlans)}"));

        string? Named(int index) => links.FirstOrDefault(link => link.Index == index)?.Name;

        string Data(NetworkLink link) => Convert.ToHexString(RouteAttribute.Encode(
            [.. RouteAttribute.Parse(link.Data).Where(each => LinkKind.Find(link.Kind)?.Indexes.Contains(each.Number) != true)]));
    }

    private static NetworkLink Link(string kind) =>
        new(99, "test0", LinkOrigin.Virtual, kind, 0, [], [], 0, 0, 1500, 1000, 0, null, [], [], [], []);
}
