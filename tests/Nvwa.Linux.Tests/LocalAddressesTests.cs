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
        Sysctl.Write("net.ipv6.conf.left.dad_transmits", 3);
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
        LinkAddress[] added = [new(First, 24, "left"), new(Second, 64, "left"), new(IPAddress.Parse("10.9.9.9"), 32, "lo", 3600)];

        Assert.All([.. added, .. added], Add);

        Assert.True(LocalAddresses.WaitAsync([.. added.Select(address => address.Address)], Long, CancellationToken.None).GetAwaiter().GetResult());
        LinkAddress[] found = [.. LocalAddresses.OfLinks().Where(address => !IPAddress.IsLoopback(address.Address))];
        Assert.Equal(added.Select(address => address with { Seconds = null }).ToHashSet(), found.Select(address => address with { Seconds = null }).ToHashSet());
        Assert.InRange(found.Single(address => address.Seconds is not null).Seconds!.Value, 3500u, 3600u);
        Assert.Equal(Errno.ENODEV, Assert.Throws<LinuxException>(() => Add(new LinkAddress(First, 24, "right7"))).Errno);
    });

    [Fact]
    public async Task An_address_that_another_host_has_is_left_to_it()
    {
        TaskCompletionSource<string> there = new();
        using ManualResetEventSlim done = new();
        Task other = NetworkNamespace.RunAsync(() =>
        {
            there.SetResult($"{new DirectoryInfo("/proc/thread-self").ResolveLinkTarget(returnFinalTarget: true)!.FullName}/ns/net");
            done.Wait(Long);
        });
        string path = await there.Task;
        await NetworkNamespace.RunAsync(() =>
        {
            MakeLink();
            string address = AddressOf("right");
            NetworkNamespace.Run("ip", "link", "set", "right", "netns", path);
            NetworkNamespace.Run("nsenter", $"--net={path}", "ip", "address", "add", $"{First}/24", "dev", "right");
            NetworkNamespace.Run("nsenter", $"--net={path}", "ip", "-6", "address", "add", $"{Second}/64", "dev", "right", "nodad");
            NetworkNamespace.Run("nsenter", $"--net={path}", "ip", "link", "set", "right", "up");

            LinuxException refused = Assert.Throws<LinuxException>(() => Add(new LinkAddress(First, 24, "left")));
            LinuxException refusedToo = Assert.Throws<LinuxException>(() => Add(new LinkAddress(Second, 64, "left")));

            Assert.Equal($"add address {First} to left: Address already in use (EADDRINUSE): the host with hardware address {address} has it", refused.Message);
            Assert.Equal(Errno.EADDRINUSE, refusedToo.Errno);
            Assert.DoesNotContain($"{Second}", NetworkNamespace.Run("ip", "address"), StringComparison.Ordinal);
        });
        done.Set();
        await other;
    }

    [Fact]
    public Task Asking_around_can_be_cancelled() => NetworkNamespace.RunAsync(() =>
    {
        MakeLink();
        using CancellationTokenSource source = new();
        Task add = LocalAddresses.AddAsync(new LinkAddress(First, 24, "left"), source.Token);
        source.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => add.GetAwaiter().GetResult());
        Assert.False(LocalAddresses.Has(First));
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

    private static void Add(LinkAddress address) => LocalAddresses.AddAsync(address, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>/sys has the links of another namespace.</summary>
    private static string AddressOf(string link) => NetworkNamespace.Run("ip", "-brief", "link", "show", link).Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];

    private static void MakeLink()
    {
        NetworkNamespace.Run("ip", "link", "add", "left", "type", "veth", "peer", "name", "right");
        NetworkNamespace.Run("ip", "link", "set", "left", "up");
        NetworkNamespace.Run("ip", "link", "set", "right", "up");
    }
}
