using static Nvwa.Linux.Tests.NetworkSetup;

namespace Nvwa.Linux.Tests;

/// <summary>What cannot be applied is undone, and says why. Pairs of veth stand for hardware.</summary>
public sealed class NetworkFailureTests
{
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
        (NetworkConfiguration configuration, _) = await RichNetwork.ReadAsync();
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
            string before = NetworkText.Of();
            using CancellationTokenSource source = new();
            Task<IReadOnlyList<string>> applying = configuration.ApplyAsync(Long, TimeProvider.System, source.Token);
            source.Cancel();

            Assert.ThrowsAny<OperationCanceledException>(() => applying.GetAwaiter().GetResult());
            Assert.Equal(before, NetworkText.Of());
        });
    }

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
}
