using System.Net;

namespace Nvwa.Linux.Tests;

public sealed class PacketLockRulesTests
{
    [Fact]
    public void The_table_is_replaced_in_one_transaction_and_owned() => Assert.StartsWith(
        """
        add table inet kept { flags owner; }
        delete table inet kept
        table inet kept {
          flags owner;

        """,
        PacketLockRules.Hold("kept", []),
        StringComparison.Ordinal);

    [Fact]
    public void The_number_of_rules_does_not_depend_on_the_number_of_endpoints()
    {
        LockedEndpoint[] endpoints =
        [
            .. Enumerable.Range(1, 500).Select(port => Flow("192.0.2.1:80", $"198.51.100.1:{port}")),
        ];

        string text = PacketLockRules.Hold("kept", endpoints);

        Assert.Equal(12, text.Split(" drop\n").Length - 1);
        Assert.Equal(2, text.Split("priority -300").Length - 1);
        Assert.DoesNotContain("reject", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:80", "any4", "tcp . 80")]
    [InlineData("192.0.2.1:80", "at4", "tcp . 192.0.2.1 . 80")]
    [InlineData("[::ffff:192.0.2.1]:80", "at4", "tcp . 192.0.2.1 . 80")]
    [InlineData("[::ffff:0.0.0.0]:80", "any4", "tcp . 80")]
    [InlineData("[2001:db8::1]:80", "at6", "tcp . 2001:db8::1 . 80")]
    [InlineData("[fe80::1%3]:80", "at6", "tcp . fe80::1 . 80")]
    public void A_listener_is_in_the_set_of_its_address(string local, string set, string element) =>
        Assert.Contains(
            $"  set {set} {{ type {TypeOf(set)}; elements = {{ {element} }}; }}\n",
            PacketLockRules.Hold("kept", [Listener(local)]),
            StringComparison.Ordinal);

    [Fact]
    public void A_listener_on_all_addresses_of_both_families_is_in_both_sets()
    {
        string text = PacketLockRules.Hold("kept", [Listener("[::]:80")]);

        Assert.Contains("set any4 { type inet_proto . inet_service; elements = { tcp . 80 }; }", text, StringComparison.Ordinal);
        Assert.Contains("set any6 { type inet_proto . inet_service; elements = { tcp . 80 }; }", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1:80", "198.51.100.1:9", "flow4", "udp . 192.0.2.1 . 80 . 198.51.100.1 . 9")]
    [InlineData("[::ffff:192.0.2.1]:80", "[::ffff:198.51.100.1]:9", "flow4", "udp . 192.0.2.1 . 80 . 198.51.100.1 . 9")]
    [InlineData("[2001:db8::1]:80", "[2001:db8::2]:9", "flow6", "udp . 2001:db8::1 . 80 . 2001:db8::2 . 9")]
    public void A_connection_is_in_the_set_of_its_family(string local, string remote, string set, string element) =>
        Assert.Contains(
            $"  set {set} {{ type {TypeOf(set)}; elements = {{ {element} }}; }}\n",
            PacketLockRules.Hold("kept", [Flow(local, remote) with { Protocol = InetProtocol.Udp }]),
            StringComparison.Ordinal);

    [Fact]
    public void Two_listeners_on_one_port_are_one_element() => Assert.Contains(
        "{ tcp . 80 }",
        PacketLockRules.Hold("kept", [Listener("0.0.0.0:80"), Listener("0.0.0.0:80")]),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("x; flush ruleset")]
    public void A_name_that_nft_could_read_otherwise_is_refused(string table) =>
        Assert.Throws<ArgumentException>(() => PacketLockRules.Hold(table, []));

    private static LockedEndpoint Listener(string local) => new(InetProtocol.Tcp, IPEndPoint.Parse(local), null);

    private static LockedEndpoint Flow(string local, string remote) =>
        new(InetProtocol.Tcp, IPEndPoint.Parse(local), IPEndPoint.Parse(remote));

    private static string TypeOf(string set)
    {
        string address = set[^1] == '4' ? "ipv4_addr" : "ipv6_addr";
        string kind = set[..^1];
        return kind == "any" ? "inet_proto . inet_service"
            : kind == "at" ? $"inet_proto . {address} . inet_service"
            : $"inet_proto . {address} . inet_service . {address} . inet_service";
    }
}
