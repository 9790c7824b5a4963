using System.Net;
using Nvwa.Lab.Clients;
using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// <c>restore_net</c>: a network that was set up by hand, beside one that systemd-networkd manages, goes to the other kernel and
/// back, under a connection that is bound to an address of it; and one that cannot be restored leaves the host reachable.
/// </summary>
[Collection(OneGuestAtATime.Name)]
public sealed class RestoredNetwork(PreparedHost prepared)
{
    private const string Configuration =
        """
        services:
        - redis
        restore_net: true

        """;

    // As if the new kernel came without it: nothing can make the bond.
    private const string WithoutBonds = "echo 'install bonding /bin/false' >/etc/modprobe.d/lab-bonding.conf && sync /etc/modprobe.d/lab-bonding.conf /etc/modprobe.d";

    // The guest's only link goes from one manager to another under a connection to the address that none of them knows.
    private const string ToNetworkManager =
        """
        set -e
        link=$(ip -o -4 route show default | cut -d' ' -f5 | head -n 1)
        systemctl disable -q --now systemd-networkd.service systemd-networkd.socket
        cat >/etc/NetworkManager/system-connections/lan.nmconnection <<END
        [connection]
        id=lan
        type=ethernet
        interface-name=$link
        [ipv4]
        method=manual
        address1=10.66.0.2/24,10.66.0.1
        [ipv6]
        method=manual
        address1=fd66::2/64
        END
        chmod 600 /etc/NetworkManager/system-connections/lan.nmconnection
        systemctl enable -q --now NetworkManager.service
        nmcli connection reload
        nmcli connection up lan
        ip addr add 10.66.0.77/24 dev $link
        """;

    private const string HasProfile = "nmcli -t -f STATE,CONNECTION device | grep -x connected:lan";

    private const string ToIfupdown =
        """
        set -e
        link=$(ip -o -4 route show default | cut -d' ' -f5 | head -n 1)
        systemctl disable -q --now NetworkManager.service
        printf 'auto lo\niface lo inet loopback\nauto %s\niface %s inet static\n address 10.66.0.2/24\n gateway 10.66.0.1\niface %s inet6 static\n address fd66::2/64\n' $link $link $link >/etc/network/interfaces
        ip route flush default
        ip addr del 10.66.0.2/24 dev $link
        ip addr del fd66::2/64 dev $link
        # NetworkManager made it, in the kernel's name.
        ip -6 route del fd66::/64 dev $link metric 100 || true
        systemctl enable -q networking.service
        systemctl restart networking.service
        ip addr show to 10.66.0.77 | grep -q 77 || ip addr add 10.66.0.77/24 dev $link
        """;

    private const string HasInterface = "systemctl is-active networking.service && ifquery --state $(ip -o -4 route show default | cut -d' ' -f5 | head -n 1)";

    private const string Managers = "! systemctl is-active systemd-networkd.service nftables.service | grep -v '^active'";

    private static readonly IPAddress ByHand = IPAddress.Parse("10.66.0.77");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public Task A_network_set_up_by_hand_is_there_before_networkd_and_stays() => prepared.RunAsync("network-quick", async host =>
    {
        await SetUpAsync(host);
        await using RedisClient client = await ConnectAsync(host.Guest.Network);
        await StaysAsync(host, prepared.NewKernel, client);
        await EndAsync(host.Guest, client);
    });

    [Fact]
    [Trait("half", "full")]
    public Task A_network_goes_to_the_other_kernel_and_back_and_one_that_cannot_leaves_the_host_reachable() => prepared.RunAsync("network-full", async host =>
    {
        await SetUpAsync(host);
        await using RedisClient client = await ConnectAsync(host.Guest.Network);
        await StaysAsync(host, prepared.NewKernel, client);
        _ = await host.InstallNewerCriuAsync();
        await StaysAsync(host, prepared.OldKernel, client);
        await IsUndoneAsync(host, prepared.NewKernel, client);
        await EndAsync(host.Guest, client);
    });

    [Fact]
    [Trait("half", "full")]
    public Task Other_network_managers_go_on_with_what_they_find() => prepared.RunAsync("network-managers", async host =>
    {
        _ = await host.InstallAsync("/opt/network-manager");
        _ = await host.InstallAsync("/opt/ifupdown");
        _ = await host.Guest.OutputOfAsync(ToNetworkManager, Patience);
        await host.ConfigureAsync(Configuration);
        await using RedisClient client = await ConnectAsync(host.Guest.Network);
        await StaysAsync(host, prepared.NewKernel, client, HasProfile);
        _ = await host.InstallNewerCriuAsync();
        _ = await host.Guest.OutputOfAsync(ToIfupdown, Patience);
        await StaysAsync(host, prepared.OldKernel, client, HasInterface);
        await EndAsync(host.Guest, client);
    });

    private static async Task SetUpAsync(NvwaHost host)
    {
        _ = await host.Guest.OutputOfAsync("/root/network-setup start", Patience);
        await host.ConfigureAsync(Configuration);
        GuestCommandResult check = await host.NvwaAsync("check");
        HostState.Says(check, "nvwa check", exitCode: 0, "network", "restore_net", "of network configuration will be applied");
    }

    /// <summary>At the address that no configuration file has.</summary>
    private static async Task<RedisClient> ConnectAsync(LabNetwork network)
    {
        RedisClient client = await RedisClient.ConnectAsync(network, new IPEndPoint(ByHand, RedisClient.DefaultPort), "network", Patience);
        client.Start(TimeSpan.FromMilliseconds(100));
        await client.WaitForRepliesAsync(10, Patience);
        return client;
    }

    private static async Task StaysAsync(NvwaHost host, string release, RedisClient client, string managers = Managers)
    {
        string before = await StateAsync(host.Guest);
        NvwaUpdate update = await UpdateAsync(host, release, exitCode: 0);
        Assert.Equal("updated", update.Outcome);
        // Another kernel has other settings; those of the test both have.
        Assert.All(update.Troubles, trouble => Assert.StartsWith("network: sysctl", trouble, StringComparison.Ordinal));
        await client.WaitForRepliesAsync(10, Patience);
        await host.Guest.WaitUntilAsync(managers, Patience);
        Assert.Equal(before, await StateAsync(host.Guest));
        await HostState.NothingIsLeftAsync(host.Guest);
    }

    private static async Task IsUndoneAsync(NvwaHost host, string release, RedisClient client)
    {
        _ = await host.Guest.OutputOfAsync(WithoutBonds);
        NvwaUpdate update = await UpdateAsync(host, release, exitCode: 4);
        Assert.Equal("degraded", update.Outcome);
        Assert.Contains(update.Troubles, trouble => trouble.Contains("the network configuration was not restored", StringComparison.Ordinal)
            && trouble.Contains("lab-bond (bond)", StringComparison.Ordinal));
        Assert.All(update.Workloads, workload => Assert.Equal("restored", workload.Step));

        // Its own address was brought up for it all the same.
        await client.WaitForRepliesAsync(10, Patience);
        await host.Guest.WaitForNetworkAsync(Patience);
        await host.Guest.WaitUntilAsync(Managers, Patience);
        Assert.Equal("", await host.Guest.OutputOfAsync("ip link | grep lab-; ip rule | grep 107; nft list ruleset | grep lab; true"));
        await HostState.NothingIsLeftAsync(host.Guest);
    }

    private static async Task<NvwaUpdate> UpdateAsync(NvwaHost host, string release, int exitCode)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        GuestCommandResult waited = await host.WaitForUpdateAsync(end.RequireId());
        Assert.True(waited.ExitCode == exitCode, $"nvwa status --wait: exit code {waited.ExitCode}, not {exitCode}: {waited.Output}{waited.Error}");
        Assert.Equal(release, end.Boot.Release);
        return (await host.StatusAsync()).Update!;
    }

    private static async Task EndAsync(LabGuest guest, RedisClient client)
    {
        SteadyReport report = await client.StopAsync(Patience);
        Assert.True(report.Violation is null, report.Violation);
        CaptureSummary capture = await guest.Capture.StopAsync();
        Assert.Empty(capture.Refusals);
    }

    private static Task<string> StateAsync(LabGuest guest) => guest.OutputOfAsync("/root/network-state.py", Patience);
}
