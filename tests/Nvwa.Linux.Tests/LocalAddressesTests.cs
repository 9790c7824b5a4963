using System.Net;

namespace Nvwa.Linux.Tests;

public sealed class LocalAddressesTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly IPAddress First = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Second = IPAddress.Parse("2001:db8::1");

    [Fact]
    public Task Loopback_is_there_once_it_is_up_with_all_of_its_network() => NetworkNamespace.RunAsync(() =>
    {
        Assert.False(LocalAddresses.Has(IPAddress.Loopback));
        Assert.True(LocalAddresses.Has(IPAddress.Any));

        NetworkNamespace.Run("ip", "link", "set", "lo", "up");

        Assert.True(LocalAddresses.Has(IPAddress.Loopback));
        Assert.True(LocalAddresses.Has(IPAddress.Loopback.MapToIPv6()));
        Assert.True(LocalAddresses.Has(IPAddress.Parse("127.1.2.3")));
        Assert.True(LocalAddresses.Has(IPAddress.IPv6Loopback));
        Assert.Equal([First, Second], LocalAddresses.Missing([First, IPAddress.Loopback, Second]));
    });

    [Fact]
    public Task A_network_on_another_interface_is_only_its_address() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        NetworkNamespace.Run("ip", "address", "add", "192.0.2.1/24", "dev", "left");

        Assert.True(LocalAddresses.Has(First));
        Assert.False(LocalAddresses.Has(IPAddress.Parse("192.0.2.2")));
    });

    [Fact]
    public Task A_wait_ends_when_the_last_address_comes() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        Task<bool> wait = LocalAddresses.WaitAsync([First, Second], Long, CancellationToken.None);
        NetworkNamespace.Run("ip", "address", "add", "192.0.2.1/24", "dev", "left");
        Assert.False(wait.IsCompleted);
        NetworkNamespace.Run("ip", "address", "add", "2001:db8::1/64", "dev", "left", "nodad");

        Assert.True(wait.GetAwaiter().GetResult());
    });

    [Fact]
    public Task An_address_that_is_still_tentative_does_not_count() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        NetworkNamespace.Run("ip", "address", "add", "2001:db8::1/64", "dev", "left");
        Assert.False(LocalAddresses.Has(Second));

        Assert.True(LocalAddresses.WaitAsync([Second], Long, CancellationToken.None).GetAwaiter().GetResult());
        Assert.True(LocalAddresses.Has(Second));
    });

    [Fact]
    public Task What_one_host_has_another_one_gets_by_the_name_of_the_link() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        NetworkNamespace.Run("ip", "link", "set", "lo", "up");
        NetworkNamespace.Run("ip", "link", "set", "left", "down");
        LinkAddress[] added = [new(First, 24, "left"), new(Second, 64, "left")];

        Assert.All([.. added, .. added], LocalAddresses.Add);

        Assert.Equal(added, LocalAddresses.OfLinks().Where(address => address.Link == "left"));
        Assert.Empty(LocalAddresses.Missing([First, Second]));
        Assert.Equal(Errno.ENODEV, Assert.Throws<LinuxException>(() => LocalAddresses.Add(new LinkAddress(First, 24, "right7"))).Errno);
    });

    [Fact]
    public Task An_address_with_a_peer_is_our_end() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        NetworkNamespace.Run("ip", "address", "add", "192.0.2.1", "peer", "192.0.2.9", "dev", "left");

        Assert.True(LocalAddresses.Has(First));
        Assert.False(LocalAddresses.Has(IPAddress.Parse("192.0.2.9")));
    });

    [Fact]
    public async Task At_the_deadline_a_wait_says_no() =>
        Assert.False(await LocalAddresses.WaitAsync([First], TimeSpan.FromMilliseconds(50), CancellationToken.None));

    [Fact]
    public async Task A_wait_can_be_cancelled()
    {
        using CancellationTokenSource source = new();
        Task<bool> wait = LocalAddresses.WaitAsync([First], Long, source.Token);
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    [Fact]
    public Task More_addresses_than_one_answer_holds_are_all_seen() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        string commands = string.Concat(
            Enumerable.Range(0, 1000).Select(each => $"address add 10.{each / 250}.{each % 250}.1/32 dev left\n"));
        SpawnResult result = Spawn.RunAsync(
            new SpawnRequest("ip", ["-batch", "-"]) { Input = System.Text.Encoding.ASCII.GetBytes(commands) },
            Long,
            CancellationToken.None).GetAwaiter().GetResult();

        Assert.Equal("", result.Error);
        Assert.Empty(LocalAddresses.Missing(
            [.. Enumerable.Range(0, 1000).Select(each => IPAddress.Parse($"10.{each / 250}.{each % 250}.1"))]));
    });

    [Fact]
    public void A_message_longer_than_what_came_is_refused()
    {
        bool changed = false;
        byte[] message = new byte[16];
        message[0] = 17;

        Assert.Equal(
            Errno.EBADMSG, Assert.Throws<LinuxException>(() => RouteAddresses.Parse(message, [], ref changed)).Errno);
    }

    private static void MakeLink()
    {
        NetworkNamespace.Run("ip", "link", "add", "left", "type", "veth", "peer", "name", "right");
        NetworkNamespace.Run("ip", "link", "set", "left", "up");
        NetworkNamespace.Run("ip", "link", "set", "right", "up");
    }
}
