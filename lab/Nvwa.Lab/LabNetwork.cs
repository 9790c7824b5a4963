using System.Net;
using System.Net.Sockets;
using Nvwa.Linux;

namespace Nvwa.Lab;

/// <summary>
/// The outside world of one guest: a network namespace with the other end of the guest's cable.
/// <code>
/// clients, capture -- [tap0 10.66.0.1, fd66::1] ===== [10.66.0.2, fd66::2 guest]
/// </code>
/// User-mode networking would end TCP connections itself and hide a reset; here the guest's packets are what clients see.
/// </summary>
public sealed class LabNetwork : IAsyncDisposable
{
    internal const string TapName = "tap0";

    private const string NamespaceDirectory = "/run/netns";

    private readonly NamespaceThread _inside;
    private bool _isDisposed;

    private LabNetwork(string name, NamespaceThread inside)
    {
        Name = name;
        _inside = inside;
    }

    public static IPAddress OutsideAddress { get; } = IPAddress.Parse("10.66.0.1");

    public static IPAddress OutsideAddressV6 { get; } = IPAddress.Parse("fd66::1");

    public static IPAddress GuestAddress { get; } = IPAddress.Parse("10.66.0.2");

    public static IPAddress GuestAddressV6 { get; } = IPAddress.Parse("fd66::2");

    /// <summary>The namespace's name, for <c>ip netns exec</c>.</summary>
    public string Name { get; }

    public static async Task<LabNetwork> CreateAsync(CancellationToken cancellationToken = default)
    {
        await RemoveStaleAsync(cancellationToken);
        string name = LabName.Next();
        await IpAsync(["netns", "add", name], cancellationToken);
        try
        {
            await ConfigureAsync(name, cancellationToken);
            return new LabNetwork(name, await NamespaceThread.EnterAsync(name));
        }
        catch
        {
            await RemoveAsync(name, CancellationToken.None);
            throw;
        }
    }

    /// <summary>A connection from the outside to the guest, usable on any thread.</summary>
    /// <exception cref="SocketException">Refused, unreachable or reset.</exception>
    /// <exception cref="TimeoutException">Not connected in time.</exception>
    public async Task<Socket> ConnectInsideAsync(
        IPEndPoint peer, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        Socket socket = await CreateSocketAsync(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(peer, cancellationToken).AsTask().WaitAsync(timeout, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A socket of the outside, to be used as the caller likes.</summary>
    public Task<Socket> CreateSocketAsync(AddressFamily family, SocketType type, ProtocolType protocol) =>
        _inside.RunAsync(() => new Socket(family, type, protocol));

    /// <summary>Starts a program of the outside. It is killed when this network is disposed or this process dies.</summary>
    public Task<ChildProcess> StartAsync(SpawnRequest request) =>
        _inside.RunAsync(() => Spawn.Start(
            request with { File = "setpriv", Arguments = ["--pdeathsig", "KILL", "--", request.File, .. request.Arguments] }));

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _inside.Dispose();
        await RemoveAsync(Name, CancellationToken.None);
    }

    // Addresses are given, the link-local one too: made by the kernel it would first be probed for duplicates.
    private static async Task ConfigureAsync(string name, CancellationToken cancellationToken)
    {
        string[][] commands =
        [
            ["link", "set", "lo", "up"],
            ["tuntap", "add", "dev", TapName, "mode", "tap"],
            ["link", "set", TapName, "addrgenmode", "none"],
            ["addr", "add", "fe80::1/64", "dev", TapName, "nodad"],
            ["addr", "add", "10.66.0.1/24", "dev", TapName],
            ["addr", "add", "fd66::1/64", "dev", TapName, "nodad"],
            ["link", "set", TapName, "up"],
        ];
        foreach (string[] command in commands)
        {
            await IpAsync(["-netns", name, .. command], cancellationToken);
        }
    }

    private static async Task RemoveStaleAsync(CancellationToken cancellationToken)
    {
        IEnumerable<string> names = Directory.Exists(NamespaceDirectory)
            ? Directory.EnumerateFiles(NamespaceDirectory).Select(path => Path.GetFileName(path)!)
            : [];
        foreach (string name in names.Where(LabName.IsStale).ToList())
        {
            await RemoveAsync(name, cancellationToken);
        }
    }

    private static Task RemoveAsync(string name, CancellationToken cancellationToken) =>
        IpAsync(["netns", "delete", name], cancellationToken);

    private static async Task IpAsync(string[] arguments, CancellationToken cancellationToken) =>
        _ = await HostCommand.RunAsync("ip", arguments, cancellationToken);
}
