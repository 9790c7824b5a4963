using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>Real sockets and the real kernel, in a network namespace of each test's own.</summary>
public sealed class PacketLockTests
{
    private const string Table = "nvwa_test";

    /// <summary>How long nothing may come: a packet over loopback takes microseconds.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(300);

    /// <summary>TCP tries again after 0.2, 0.4, 0.8 s ...; a connect after 1 s, 2 s ...</summary>
    private static readonly TimeSpan Retransmitted = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    public Task A_connection_stalls_is_not_reset_and_goes_on(string listen, string connect) =>
        NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            using var packetLock = PacketLock.Open();
            using Socket listener = Listen(listen);
            using Socket client = Connect(connect, PortOf(listener));
            using Socket server = listener.Accept();
            Send(client, "before");
            Assert.Equal("before", Receive(server));

            packetLock.Hold(Table, [Flow(server)]);
            Send(client, "to server");
            Send(server, "to client");
            AssertNothingComes(server);
            AssertNothingComes(client);

            packetLock.Release(Table);
            Assert.Equal("to server", Receive(server));
            Assert.Equal("to client", Receive(client));
        });

    [Fact]
    public Task What_CRIU_itself_sends_passes() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        const int SocketLevel = 1;
        const int Mark = 36;
        using var packetLock = PacketLock.Open();
        using Socket listener = Listen("127.0.0.1");
        using Socket client = Connect("127.0.0.1", PortOf(listener));
        using Socket server = listener.Accept();
        packetLock.Hold(Table, [Flow(server)]);

        client.SetRawSocketOption(SocketLevel, Mark, BitConverter.GetBytes(0xC114));
        Send(client, "from CRIU");

        Assert.Equal("from CRIU", Receive(server));
    });

    [Fact]
    public Task A_connect_to_a_locked_port_is_not_refused_even_if_nobody_listens() =>
        NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            using var packetLock = PacketLock.Open();
            using Socket listener = Listen("127.0.0.1");
            int port = PortOf(listener);
            packetLock.Hold(Table, [new(InetProtocol.Tcp, new IPEndPoint(IPAddress.Any, port), null)]);
            listener.Dispose();
            using Socket client = new(SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            StartConnect(client, port);

            // A reset would make the socket writable, with an error.
            Assert.False(client.Poll(Stall, SelectMode.SelectWrite));

            using Socket again = Listen("127.0.0.1", port);
            packetLock.Release(Table);
            Assert.True(client.Poll(Retransmitted, SelectMode.SelectWrite));
            using Socket server = again.Accept();
        });

    [Fact]
    public Task While_newcomers_are_held_back_what_is_connected_goes_on() =>
        NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            using var packetLock = PacketLock.Open();
            using Socket listener = Listen("127.0.0.1");
            using Socket client = Connect("127.0.0.1", PortOf(listener));
            using Socket server = listener.Accept();
            packetLock.HoldNewcomers(Table, [new(InetProtocol.Tcp, (IPEndPoint)listener.LocalEndPoint!, null)]);
            using Socket newcomer = new(SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            StartConnect(newcomer, PortOf(listener));

            Send(client, "goes on");
            Assert.Equal("goes on", Receive(server));
            Assert.False(newcomer.Poll(Stall, SelectMode.SelectWrite));

            packetLock.Release(Table);
            Assert.True(newcomer.Poll(Retransmitted, SelectMode.SelectWrite));
        });

    [Fact]
    public Task Without_the_lock_it_would_be_refused() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using Socket listener = Listen("127.0.0.1");
        int port = PortOf(listener);
        listener.Dispose();
        using Socket client = new(SocketType.Stream, ProtocolType.Tcp);

        SocketException exception = Assert.Throws<SocketException>(() => client.Connect(IPAddress.Loopback, port));

        Assert.Equal(SocketError.ConnectionRefused, exception.SocketErrorCode);
    });

    [Fact]
    public Task Another_port_and_another_connection_are_untouched() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        using Socket listener = Listen("127.0.0.1");
        using Socket other = Listen("127.0.0.1");
        using Socket client = Connect("127.0.0.1", PortOf(listener));
        using Socket server = listener.Accept();
        packetLock.Hold(Table, [Flow(server)]);

        foreach (Socket each in new[] { listener, other })
        {
            using Socket free = Connect("127.0.0.1", PortOf(each));
            using Socket accepted = each.Accept();
            Send(free, "free");
            Assert.Equal("free", Receive(accepted));
        }
    });

    [Fact]
    public Task An_address_is_locked_without_its_neighbour() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        using Socket locked = Listen("127.0.0.1");
        using Socket free = Listen("127.0.0.2", PortOf(locked));
        packetLock.Hold(Table, [new(InetProtocol.Tcp, (IPEndPoint)locked.LocalEndPoint!, null)]);

        using Socket client = Connect("127.0.0.2", PortOf(free));
        using Socket stalled = new(SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        StartConnect(stalled, PortOf(locked));
        Assert.False(stalled.Poll(Stall, SelectMode.SelectWrite));
    });

    [Fact]
    public Task A_datagram_to_a_closed_port_is_not_answered() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Connect(IPAddress.Loopback, 9999);
        packetLock.Hold(Table, [new(InetProtocol.Udp, new IPEndPoint(IPAddress.IPv6Any, 9999), null)]);
        Send(client, "x");
        Assert.False(client.Poll(Stall, SelectMode.SelectError));

        // "Port unreachable" arrives as an error of the socket.
        packetLock.Release(Table);
        Send(client, "x");
        Assert.True(client.Poll(Retransmitted, SelectMode.SelectError));
        Assert.Equal(
            SocketError.ConnectionRefused,
            Assert.Throws<SocketException>(() => client.Receive(new byte[16])).SocketErrorCode);
    });

    [Fact]
    public Task Held_again_the_table_is_another_one() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        using Socket listener = Listen("127.0.0.1");
        packetLock.Hold(Table, [Listener(listener)]);
        packetLock.Hold(Table, []);

        using Socket client = Connect("127.0.0.1", PortOf(listener));
        packetLock.Release(Table);
        packetLock.Release(Table);
    });

    [Fact]
    public Task Nobody_else_can_flush_it_and_it_goes_with_its_owner() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using (var packetLock = PacketLock.Open())
        {
            packetLock.Hold(Table, []);
            NetworkNamespace.Run("nft", "flush", "ruleset");
            Assert.Contains(Table, NetworkNamespace.Run("nft", "list", "tables"), StringComparison.Ordinal);
        }

        Assert.Equal("", NetworkNamespace.Run("nft", "list", "tables"));
    });

    [Fact]
    public Task A_table_of_another_owner_is_refused_with_nfts_words() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var owner = PacketLock.Open();
        using var other = PacketLock.Open();
        owner.Hold(Table, []);

        LinuxException exception = Assert.Throws<LinuxException>(() => other.Hold(Table, []));

        Assert.Equal(Errno.EPERM, exception.Errno);
        Assert.Contains("Operation not permitted", exception.Detail, StringComparison.Ordinal);
    });

    [Fact]
    public Task A_thousand_connections_and_ports_are_held_at_once() => NetworkNamespace.RunWithLoopbackAsync(() =>
    {
        using var packetLock = PacketLock.Open();
        IPEndPoint local = new(IPAddress.Loopback, 80);
        packetLock.Hold(
            Table,
            [
                .. Enumerable.Range(1, 1000).Select(port =>
                    new LockedEndpoint(InetProtocol.Tcp, local, new IPEndPoint(IPAddress.Loopback, port))),
                .. Enumerable.Range(1, 1000).Select(port =>
                    new LockedEndpoint(InetProtocol.Udp, new IPEndPoint(IPAddress.IPv6Any, port), null)),
            ]);

        string listed = NetworkNamespace.Run("nft", "-n", "list", "set", "inet", Table, "flow4");
        Assert.Equal(1000, listed.Split("127.0.0.1 . 80 . 127.0.0.1 . ").Length - 1);
    });

    private static Socket Listen(string address, int port = 0)
    {
        var ip = IPAddress.Parse(address);
        Socket listener = new(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (ip.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }

        listener.Bind(new IPEndPoint(ip, port));
        listener.Listen();
        return listener;
    }

    private static Socket Connect(string address, int port)
    {
        var ip = IPAddress.Parse(address);
        Socket client = new(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(ip, port);
        return client;
    }

    private static void StartConnect(Socket client, int port)
    {
        SocketException exception = Assert.Throws<SocketException>(() => client.Connect(IPAddress.Loopback, port));
        Assert.Equal(SocketError.WouldBlock, exception.SocketErrorCode);
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static LockedEndpoint Flow(Socket server) =>
        new(InetProtocol.Tcp, (IPEndPoint)server.LocalEndPoint!, (IPEndPoint)server.RemoteEndPoint!);

    private static LockedEndpoint Listener(Socket listener) =>
        new(InetProtocol.Tcp, (IPEndPoint)listener.LocalEndPoint!, null);

    private static void Send(Socket socket, string text) => socket.Send(Encoding.ASCII.GetBytes(text));

    private static string Receive(Socket socket)
    {
        Assert.True(socket.Poll(Retransmitted, SelectMode.SelectRead));
        byte[] buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
    }

    /// <summary>Neither data nor an end: both would make it readable.</summary>
    private static void AssertNothingComes(Socket socket) => Assert.False(socket.Poll(Stall, SelectMode.SelectRead));
}
