using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>
/// Namespaces of the test's own: one is set up by ip(8) and nft(8) and read, another one is empty and gets it. Pairs of veth
/// stand for hardware.
/// </summary>
public sealed class NetworkConfigurationTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    /// <summary>Some of everything that this kernel has without modules.</summary>
    private const string Rich = """
        link set lo up
        link add eth0 address 02:00:00:00:00:10 type veth peer name far0 address 02:00:00:00:00:11
        link add eth1 address 02:00:00:00:00:20 type veth peer name far1
        link set far0 up
        link set eth0 mtu 1400 txqueuelen 77 alias "to the left" group 9 up
        link set far1 up
        link add br0 address 02:00:00:00:00:30 type bridge stp_state 1 priority 1000 ageing_time 5000 forward_delay 400 mcast_snooping 0
        link set eth1 master br0
        link set eth1 type bridge_slave hairpin on isolated on priority 7 neigh_suppress on
        link set eth1 up
        link set br0 up
        link property add dev br0 altname a-longer-name-than-fifteen
        link add mv0 link eth0 address 02:00:00:00:00:40 type macvlan mode private
        link set mv0 up
        link add down0 address 02:00:00:00:00:60 mtu 1300 type ifb
        address add 127.0.5.1/32 dev lo
        address add 192.0.2.1/24 dev eth0
        address add 192.0.2.2/24 broadcast 192.0.2.255 dev eth0 label eth0:two
        address add 192.0.2.3/24 dev eth0 noprefixroute metric 77
        address add 192.0.2.4/24 dev eth0 valid_lft 600 preferred_lft 300
        address add 198.51.100.1 peer 198.51.100.2/32 dev mv0
        address add 203.0.113.1/24 dev br0 metric 55
        address add 192.0.2.200/24 dev down0
        -6 address add 2001:db8::1/64 dev eth0
        -6 address add 2001:db8::2/64 dev eth0 nodad noprefixroute
        -6 address add 2001:db8::3/64 dev eth0 valid_lft 600 preferred_lft 0
        -6 address add 2001:db8:1::1/64 dev br0 nodad home
        route add default via 192.0.2.254 proto static metric 5 mtu lock 1300 src 192.0.2.1
        route add default via 203.0.113.254 proto dhcp metric 100
        route add 10.0.0.0/8 via 10.9.9.9 dev eth0 onlink advmss 1000 initcwnd 12 congctl reno
        route add 10.1.0.0/16 proto 99 nexthop via 192.0.2.7 weight 2 nexthop via 203.0.113.7 dev br0 weight 3 onlink
        route add 10.2.0.0/16 via inet6 2001:db8::7 dev eth0
        route append 10.3.0.0/16 dev eth0 metric 4
        route append 10.3.0.0/16 dev br0 metric 4
        route add blackhole 10.4.0.0/16
        route add unreachable 10.5.0.0/16 metric 3
        route add prohibit 10.6.0.0/16 table 77
        route add throw 10.7.0.0/16 table 100
        route add local 10.8.0.0/16 dev lo
        route add 10.99.0.0/16 via 192.0.2.9 tos 0x10 realm 5
        route add 172.16.0.0/24 via 192.0.2.9
        route add table 100 default via 172.16.0.1 dev eth0 onlink
        -6 route add default via 2001:db8::ffff proto ra metric 512 expires 300 pref high
        -6 route add 2001:db8:5::/48 via 2001:db8::77 src 2001:db8::2
        -6 route add 2001:db8:6::/48 nexthop via 2001:db8::78 dev eth0 weight 2 nexthop via 2001:db8:1::79 dev br0
        -6 route add blackhole 2001:db8:7::/48
        -6 route add 2001:db8:8::/48 from 2001:db8:9::/48 via 2001:db8::77
        -6 route add 2001:db8:a::/48 dev br0 metric 9
        -6 route add 2001:db8:a::/48 dev eth0 metric 8
        rule add fwmark 0x1/0xff table 100 priority 100
        rule add from 192.0.2.0/24 to 10.0.0.0/8 iif br0 oif mv0 tos 0x10 lookup 100 priority 200 suppress_prefixlength 0
        rule add priority 201 blackhole sport 5-10 dport 80 ipproto tcp uidrange 5-6
        rule add priority 202 goto 32766
        rule add priority 203 not from 1.2.3.4 lookup main protocol static
        rule del priority 32767
        -6 rule add fwmark 7 table 100 priority 99
        neighbour add 192.0.2.44 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
        neighbour add proxy 192.0.2.45 dev eth0
        -6 neighbour add 2001:db8::44 lladdr 02:00:00:00:00:02 dev eth0 nud permanent router

        """;

    /// <summary>The kernel takes these only where there is a carrier.</summary>
    private const string Nexthops = """
        nexthop add id 5 via 192.0.2.9 dev eth0 proto static
        nexthop add id 6 via 192.0.2.10 dev eth0
        nexthop add id 3 group 5,3/6,2
        nexthop add id 8 blackhole
        route add 10.10.0.0/16 nhid 3
        route add 10.11.0.0/16 nhid 8

        """;

    private const string Filters = """
        flush ruleset
        table inet filter {
          counter seen { }
          set peers { type ipv4_addr; flags interval; elements = { 192.0.2.0/28, 198.51.100.7 } }
          chain input {
            type filter hook input priority filter; policy drop;
            ct state established,related accept
            iifname "lo" accept
            ip saddr @peers tcp dport { 22, 80 } counter name "seen" accept comment "a } in words"
          }
        }
        table ip nat {
          chain out {
            type nat hook postrouting priority srcnat
            oif "eth0" masquerade
          }
        }
        table netdev early {
          chain in {
            type filter hook ingress device "eth0" priority 0
            ip saddr 203.0.113.66 drop
          }
        }

        """;

    [Fact]
    public async Task What_was_read_from_one_namespace_makes_another_one_alike()
    {
        (NetworkConfiguration configuration, string text) = await ReadRichAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            Assert.Empty(Apply(configuration));
            Assert.Equal(text, NetworkText.Of());
        });
    }

    [Fact]
    public async Task It_can_be_written_down()
    {
        (NetworkConfiguration configuration, string text) = await ReadRichAsync();
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
        (NetworkConfiguration configuration, string text) = await ReadRichAsync();
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
        (NetworkConfiguration configuration, string text) = await ReadRichAsync();
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

    /// <summary>One command that fails after all the others, for each kind of thing that a configuration has.</summary>
    [Theory]
    [InlineData("link")]
    [InlineData("master")]
    [InlineData("filter")]
    [InlineData("address")]
    [InlineData("route")]
    [InlineData("nexthop")]
    [InlineData("rule")]
    [InlineData("neighbour")]
    public async Task A_failure_in_the_middle_takes_everything_back(string what)
    {
        (NetworkConfiguration configuration, _) = await ReadRichAsync();
        NetworkSnapshot broken = Break(configuration.Snapshot, what);
        await NetworkNamespace.RunAsync(() =>
        {
            Ip("""
                link set lo up
                link add eth0 address 02:00:00:00:00:77 mtu 1234 type veth peer name far0
                link set eth0 alias before
                address add 192.0.2.99/24 dev eth0
                rule add priority 5 lookup 55

                """);
            Nft("table inet before { chain input { type filter hook input priority 0; tcp dport 7 drop; }; }\n");
            string forwarding = NetworkText.Sysctl("ipv4/conf/all/forwarding");
            string before = NetworkText.Of();

            LinuxException failure = Assert.Throws<LinuxException>(() => Apply(new NetworkConfiguration(broken)));

            Assert.Equal(before, NetworkText.Of());
            Assert.Equal(forwarding, NetworkText.Sysctl("ipv4/conf/all/forwarding"));
            Assert.DoesNotContain("taken back", failure.Message, StringComparison.Ordinal);
            Assert.NotEqual(0, failure.Errno);
        });
    }

    [Fact]
    public async Task A_failure_names_step_subject_and_cause()
    {
        NetworkConfiguration configuration = await ReadAsync("link set lo up\nlink add eth0 type veth peer name far0\nlink set eth0 up\nroute add 10.0.0.0/8 dev eth0\n");
        NetworkSnapshot broken = configuration.Snapshot with { Routes = [Bent(configuration.Snapshot.Routes[0], 7, 99)] };
        await NetworkNamespace.RunAsync(() =>
        {
            LinuxException failure = Assert.Throws<LinuxException>(() => Apply(new NetworkConfiguration(broken)));

            Assert.Equal("add route 10.0.0.0/8 dev eth0 table 254: Invalid argument (EINVAL): Invalid route type", failure.Message);
        });
    }

    [Fact]
    public async Task A_link_of_hardware_is_waited_for_and_its_absence_is_a_failure()
    {
        NetworkConfiguration configuration = await ReadHardwareAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            string before = NetworkText.Of();

            LinuxException failure = Assert.Throws<LinuxException>(() => Apply(configuration));

            Assert.Equal(Errno.ENODEV, failure.Errno);
            Assert.Equal("eth0", failure.Subject);
            Assert.Equal(before, NetworkText.Of());
        });
    }

    [Fact]
    public async Task A_link_of_hardware_that_is_named_in_time_is_configured()
    {
        NetworkConfiguration configuration = await ReadHardwareAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            Task<IReadOnlyList<string>> applying = configuration.ApplyAsync(Long, TimeProvider.System, CancellationToken.None);
            Ip("link add driver0 type veth peer name far0\nlink set far0 up\n");
            Assert.False(applying.IsCompleted);
            Ip("link set driver0 name eth0\n");

            Assert.Empty(applying.GetAwaiter().GetResult());

            Assert.Contains("192.0.2.1/24", NetworkNamespace.Run("ip", "address", "show", "dev", "eth0"), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_cancelled_application_leaves_nothing()
    {
        NetworkConfiguration configuration = await ReadHardwareAsync();
        await NetworkNamespace.RunAsync(() =>
        {
            using CancellationTokenSource source = new();
            Task<IReadOnlyList<string>> applying = configuration.ApplyAsync(Long, TimeProvider.System, source.Token);
            source.Cancel();

            Assert.ThrowsAny<OperationCanceledException>(() => applying.GetAwaiter().GetResult());
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
        Dictionary<string, string> settings = new(configuration.Snapshot.Sysctls) { ["ipv4/no_such_thing"] = "1", ["ipv4/tcp_congestion_control"] = "nonesuch" };
        await NetworkNamespace.RunAsync(() =>
        {
            IReadOnlyList<string> notes = Apply(new NetworkConfiguration(configuration.Snapshot with { Sysctls = settings }));

            Assert.Equal(2, notes.Count);
            Assert.Contains("sysctl net/ipv4/no_such_thing = 1: this kernel has it not, or not yet", notes);
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

    private sealed class LaterTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }

    private static NetworkLink Hardware(string name, byte? lastByte) => new(
        7, name, LinkOrigin.Hardware, null, 0, [], lastByte is { } last ? [2, 0, 0, 0, 0, last] : [], 0, 0, 1500, 1000, 0, null, [], [], [], []);

    /// <summary>A veth that is told to be hardware.</summary>
    private static async Task<NetworkConfiguration> ReadHardwareAsync()
    {
        NetworkConfiguration configuration = await ReadAsync("link set lo up\nlink add eth0 type veth peer name far0\nlink set eth0 up\naddress add 192.0.2.1/24 dev eth0\n");
        NetworkSnapshot snapshot = configuration.Snapshot;
        return new NetworkConfiguration(snapshot with
        {
            Links = [.. snapshot.Links.Where(link => link.Name != "far0").Select(link => link.Name == "eth0" ? link with { Origin = LinkOrigin.Hardware, Kind = null, Lower = 0 } : link)],
        });
    }

    private static async Task<NetworkConfiguration> ReadAsync(string commands, Action? then = null)
    {
        NetworkConfiguration? read = null;
        await NetworkNamespace.RunAsync(() =>
        {
            Ip(commands);
            then?.Invoke();
            read = Read();
        });
        return read!;
    }

    private static NetworkSnapshot Break(NetworkSnapshot snapshot, string what)
    {
        NetworkLink last = snapshot.Links[^1];
        return what switch
        {
            // An MTU that is too small; a master that is no master; prefix lengths, types and families that there are not.
            "link" => snapshot with { Links = [.. snapshot.Links, last with { Index = 999, Name = "wrong0", Kind = "veth", Lower = 0, Mtu = 5 }] },
            "master" => snapshot with { Links = [.. snapshot.Links, last with { Index = 999, Name = "wrong0", Kind = "ifb", Lower = 0, Master = snapshot.Links[0].Index }] },
            "filter" => snapshot with { Firewall = snapshot.Firewall with { Nftables = snapshot.Firewall.Nftables + "table inet wrong { chain c { jump nowhere; }; }\n" } },
            "address" => snapshot with { Addresses = [.. snapshot.Addresses, Bent(snapshot.Addresses[0], 1, 77)] },
            "route" => snapshot with { Routes = [.. snapshot.Routes, Bent(snapshot.Routes[0], 7, 99)] },
            "nexthop" => snapshot with { Nexthops = [.. snapshot.Nexthops, Bent(snapshot.Nexthops[0], 0, 99)] },
            "rule" => snapshot with { Rules = [.. snapshot.Rules, Bent(snapshot.Rules[0], 2, 77)] },
            _ => snapshot with { Neighbours = [.. snapshot.Neighbours, Bent(snapshot.Neighbours[0], 0, 77)] },
        };
    }

    /// <summary>The message with one byte of its fixed part changed.</summary>
    private static byte[] Bent(byte[] message, int offset, byte value)
    {
        byte[] bent = [.. message];
        bent[offset] = value;
        return bent;
    }

    private static NetworkConfiguration Read() =>
        NetworkConfiguration.ReadAsync(TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();

    private static IReadOnlyList<string> Apply(NetworkConfiguration configuration, TimeSpan? patience = null) =>
        configuration.ApplyAsync(patience ?? Short, TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();

    private static async Task<(NetworkConfiguration Configuration, string Text)> ReadRichAsync()
    {
        (NetworkConfiguration, string) read = default;
        await NetworkNamespace.RunAsync(() =>
        {
            Ip(Rich);
            Nft(Filters);
            Carrier.Await("eth0");
            Ip(Nexthops);
            read = (Read(), NetworkText.Of());
        });
        return read;
    }

    /// <summary>One command on a line; ip takes a family only before all of them.</summary>
    private static void Ip(string commands)
    {
        const string OfIPv6 = "-6 ";
        List<string> batch = [];
        bool isIPv6 = false;
        foreach (string line in commands.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(OfIPv6, StringComparison.Ordinal) != isIPv6)
            {
                Flush();
                isIPv6 = !isIPv6;
            }

            batch.Add(isIPv6 ? line[OfIPv6.Length..] : line);
        }

        Flush();

        void Flush()
        {
            RunWithInput("ip", isIPv6 ? ["-6", "-batch", "-"] : ["-batch", "-"], string.Join('\n', batch) + "\n");
            batch.Clear();
        }
    }

    private static void Nft(string commands) => RunWithInput("nft", ["-f", "-"], commands);

    private static void RunWithInput(string program, string[] arguments, string input)
    {
        SpawnResult result = Spawn.RunAsync(
            new SpawnRequest(program, arguments) { Input = Encoding.UTF8.GetBytes(input) }, Long, CancellationToken.None).GetAwaiter().GetResult();
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
