using static Nvwa.Linux.Tests.NetworkSetup;

namespace Nvwa.Linux.Tests;

/// <summary>
/// What comes back. Namespaces of the test's own: one is set up by ip(8) and nft(8) and read, another one is empty and gets it.
/// </summary>
public sealed class NetworkConfigurationTests
{
    [Fact]
    public async Task What_was_read_from_one_namespace_makes_another_one_alike()
    {
        (NetworkConfiguration configuration, string text) = await RichNetwork.ReadAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(Apply(configuration));
            Assert.Equal(text, NetworkText.Of());
        });
    }

    [Fact]
    public async Task It_can_be_written_down()
    {
        (NetworkConfiguration configuration, string text) = await RichNetwork.ReadAsync();
        var parsed = NetworkConfiguration.Parse(configuration.ToBytes());
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(Apply(parsed));
            Assert.Equal(text, NetworkText.Of());
        });
    }

    [Fact]
    public async Task Applied_again_it_changes_nothing()
    {
        (NetworkConfiguration configuration, string text) = await RichNetwork.ReadAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            Apply(configuration);
            using NetworkApplication again = new(configuration.Snapshot, elapsed: 0, CancellationToken.None);

            Assert.Empty(again.Run(Short));

            Assert.Equal(0, again.Changes);
            Assert.Equal(text, NetworkText.Of());
        });
    }

    [Fact]
    public async Task What_was_there_stays_and_is_configured()
    {
        (NetworkConfiguration configuration, string text) = await RichNetwork.ReadAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            // In another order, so that no index is as it was.
            Ip("""
                link add eth1 address 02:00:00:00:00:20 type veth peer name far1
                link add eth0 address 02:00:00:00:00:10 type veth peer name far0 address 02:00:00:00:00:11
                link set eth1 up
                address add 192.0.2.1/24 dev eth0

                """);
            Assert.Empty(Apply(configuration));
            Assert.Equal(text, NetworkText.Of());
        });
    }

    [Fact]
    public void Hardware_is_known_by_its_permanent_address_and_its_name()
    {
        NetworkLink eth0 = Hardware("eth0", 1);

        Assert.True(LinkApplication.IsSame(eth0, Hardware("eth0", 1)));
        Assert.True(LinkApplication.IsSame(eth0, Hardware("eth0", null)));
        Assert.False(LinkApplication.IsSame(eth0, Hardware("eth0", 2)));
        Assert.False(LinkApplication.IsSame(eth0, Hardware("eth1", 1)));
        Assert.Equal("its hardware, 02:00:00:00:00:01, is called eth1 here", LinkApplication.Obstacle(eth0, [Hardware("eth1", 1), Hardware("eth0", 2)]));
        Assert.Equal("the link of this name is not 02:00:00:00:00:01", LinkApplication.Obstacle(eth0, [Hardware("eth0", 2)]));
        Assert.Equal("no driver has made it in time", LinkApplication.Obstacle(eth0, []));
    }

    [Fact]
    public async Task What_a_program_made_is_configured_if_it_is_there_and_noted_if_not()
    {
        NetworkConfiguration configuration = await ReadAsync("""
            link set lo up
            tuntap add dev tap0 mode tap
            link set tap0 mtu 1300 up
            address add 192.0.2.1/24 dev tap0
            route add 10.0.0.0/8 via 192.0.2.2
            link add over0 link tap0 type macvlan

            """);
        Assert.Equal(["link tap0 (tun) is made by a program"], configuration.LeftOut);
        await NetworkNamespace.RunAsync(() =>
        {
            IReadOnlyList<string> notes = Apply(configuration);
            Assert.Equal(
                [
                    "link tap0 (tun) is not there: who made it has to make it again",
                    "link over0 (macvlan) is not there: who made it has to make it again",
                    "address 192.0.2.1/24 dev tap0: the link is not there",
                    "route 10.0.0.0/8 via 192.0.2.2 dev tap0 table 254: the link is not there",
                ],
                notes);
            Ip("tuntap add dev tap0 mode tap\n");
            Assert.Empty(Apply(configuration));
            Assert.Contains("10.0.0.0/8 via 192.0.2.2 dev tap0", NetworkNamespace.Run("ip", "route"), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_address_is_usable_at_once_and_its_uniqueness_is_asked_for_as_before()
    {
        NetworkConfiguration configuration = await ReadAsync("""
            link set lo up
            link add eth0 type veth peer name far0
            link set far0 up
            link set eth0 up
            -6 address add 2001:db8::1/64 dev eth0

            """, () => LocalAddresses.WaitAsync([System.Net.IPAddress.Parse("2001:db8::1")], Long, CancellationToken.None).GetAwaiter().GetResult());
        await NetworkNamespace.RunAsync(() =>
        {
            Apply(configuration);

            string address = NetworkNamespace.Run("ip", "-6", "address", "show", "dev", "eth0", "to", "2001:db8::/64");
            Assert.DoesNotContain("tentative", address, StringComparison.Ordinal);
            Assert.DoesNotContain("nodad", address, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Lifetimes_go_on_and_end_as_they_would_have()
    {
        NetworkConfiguration configuration = await ReadAsync("""
            link set lo up
            link add eth0 type veth peer name far0
            link set eth0 up
            address add 192.0.2.1/24 dev eth0 valid_lft 600 preferred_lft 300
            address add 192.0.2.2/32 dev eth0 valid_lft 60 preferred_lft 60
            -6 address add 2001:db8::1/64 dev eth0 nodad
            -6 route add 2001:db8:5::/48 via 2001:db8::77 expires 600
            -6 route add 2001:db8:6::/48 via 2001:db8::77 expires 60

            """);
        LaterTime later = new(TimeSpan.FromSeconds(400));
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(configuration.ApplyAsync(Short, later, CancellationToken.None).GetAwaiter().GetResult());

            string addresses = NetworkNamespace.Run("ip", "-4", "address", "show", "dev", "eth0");
            Assert.Matches("192.0.2.1/24 .*dynamic.*\n.*valid_lft (19[0-9]|200)sec preferred_lft 0sec", addresses);
            Assert.DoesNotContain("192.0.2.2", addresses, StringComparison.Ordinal);
            string routes = NetworkNamespace.Run("ip", "-6", "route");
            Assert.Matches("2001:db8:5::/48 .*expires (19[0-9]|20[01])sec", routes);
            Assert.DoesNotContain("2001:db8:6::", routes, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Settings_of_links_and_of_all_are_as_they_were()
    {
        (string Path, string Value)[] settings =
        [
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "2"),
            ("ipv4/conf/default/rp_filter", "1"),
            ("ipv4/conf/eth0.x/rp_filter", "0"),
            ("ipv4/conf/eth0.x/forwarding", "0"),
            ("ipv4/conf/eth0.x/accept_redirects", "0"),
            ("ipv4/neigh/eth0.x/gc_stale_time", "123"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv6/conf/eth0.x/forwarding", "0"),
            ("ipv6/conf/eth0.x/disable_ipv6", "1"),
            ("ipv6/conf/far0/accept_ra", "2"),
            ("ipv6/conf/far0/addr_gen_mode", "1"),
            ("ipv4/ip_local_port_range", "20000\t30000"),
        ];
        NetworkConfiguration configuration = await ReadAsync("link set lo up\nlink add eth0.x type veth peer name far0\nlink set eth0.x up\n", () =>
        {
            foreach ((string path, string value) in settings)
            {
                Assert.Null(NetworkSysctls.TryWrite(path, value));
            }
        });
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(Apply(configuration));
            Assert.All(settings, setting => Assert.Equal(setting.Value, NetworkText.Sysctl(setting.Path)));
        });
    }

    [Fact]
    public async Task A_setting_that_the_kernel_has_not_or_refuses_is_noted()
    {
        NetworkConfiguration configuration = await ReadAsync("link set lo up\n");
        Dictionary<string, string> settings = new(configuration.Snapshot.Sysctls)
        {
            ["ipv4/no_such_thing"] = "1",
            ["ipv6/conf/lo/no_such"] = "1",
            ["ipv6/conf/all/no_such"] = "0",
            ["ipv4/tcp_congestion_control"] = "nonesuch",
        };
        await NetworkNamespace.RunAsync(() =>
        {
            IReadOnlyList<string> notes = Apply(new NetworkConfiguration(configuration.Snapshot with { Sysctls = settings }));

            Assert.Equal(2, notes.Count);
            Assert.Contains("sysctls that this kernel has not, or not yet: net/ipv4/no_such_thing, net/ipv6/conf/*/no_such", notes);
            Assert.Contains(notes, note => note.StartsWith("sysctl net/ipv4/tcp_congestion_control = nonesuch: ", StringComparison.Ordinal));
        });
    }

    [Fact]
    public Task A_table_that_a_process_owns_is_neither_read_nor_removed() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        packetLock.Hold("nvwa_0", []);
        Nft("table inet own { chain c { }; set s { type inet_service; flags interval; }; }\n");
        NetworkConfiguration configuration = Read();
        Assert.DoesNotContain("nvwa_0", configuration.Snapshot.Firewall.Nftables, StringComparison.Ordinal);
        Nft("delete table inet own\n");

        Assert.Empty(Apply(configuration));

        string tables = NetworkNamespace.Run("nft", "list", "tables");
        Assert.Contains("table inet nvwa_0", tables, StringComparison.Ordinal);
        Assert.Contains("table inet own", tables, StringComparison.Ordinal);
    });

    [Fact]
    public void Bytes_that_are_no_configuration_are_refused()
    {
        Assert.Throws<InvalidDataException>(() => NetworkConfiguration.Parse("null"u8));
        Assert.Throws<InvalidDataException>(() => NetworkConfiguration.Parse("{"u8));
        Assert.Throws<InvalidDataException>(() => NetworkConfiguration.Parse("{}"u8));
        Assert.Throws<InvalidDataException>(() => NetworkConfiguration.Parse(new byte[NetworkConfiguration.LengthLimit + 1]));
    }

    [Theory]
    [InlineData("../x", ManagerFileKind.NetworkManagerProfile)]
    [InlineData("..", ManagerFileKind.NetworkManagerProfile)]
    [InlineData("", ManagerFileKind.Ifupdown)]
    [InlineData("eth0", (ManagerFileKind)9)]
    public async Task A_file_of_a_manager_that_would_be_anywhere_else_is_refused(string name, ManagerFileKind kind)
    {
        NetworkConfiguration configuration = await ReadAsync("link set lo up\n");

        Assert.Throws<InvalidDataException>(() => configuration.With([new ManagerFile(kind, name, "")]).ToBytes());
        Assert.Single(NetworkConfiguration.Parse(configuration.With([new ManagerFile(default, "eth0", "x")]).ToBytes()).Managers);
    }

    private sealed class LaterTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }

    private static NetworkLink Hardware(string name, byte? lastByte) => new(
        7, name, LinkOrigin.Hardware, null, 0, [], lastByte is { } last ? [2, 0, 0, 0, 0, last] : [], 0, 0, 1500, 1000, 0, null, [], [], [], []);
}
