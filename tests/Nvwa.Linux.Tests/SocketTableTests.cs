using System.Net;
using System.Net.Sockets;

namespace Nvwa.Linux.Tests;

public sealed class SocketTableTests
{
    [Fact]
    public void A_listener_and_both_ends_of_a_connection_are_found_by_inode()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new(AddressFamily.InterNetwork);
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        using Socket server = listener.AcceptSocket();

        Assert.Equal(InetSocketState.Listen, Find(listener.Server).State);
        InetSocket accepted = Find(server);
        Assert.Equal(InetSocketState.Established, accepted.State);
        Assert.Equal(InetProtocol.Tcp, accepted.Protocol);
        Assert.False(accepted.IsIPv6);
        Assert.Equal(server.LocalEndPoint, accepted.Local);
        Assert.Equal(client.Client.LocalEndPoint, accepted.Remote);
        Assert.Equal(accepted.Local, accepted.LocalOnWire);
    }

    [Fact]
    public void A_listener_tells_how_many_connections_wait_and_a_connection_what_was_not_read()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new(AddressFamily.InterNetwork);
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        client.Client.Send("unread"u8);

        Assert.Equal(1u, Find(listener.Server).Unread);
        using Socket server = listener.AcceptSocket();
        Assert.Equal((0u, 6u), (Find(listener.Server).Unread, Find(server).Unread));
    }

    [Fact]
    public void A_mapped_address_is_given_both_ways()
    {
        using Socket listener = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using TcpClient client = new(AddressFamily.InterNetwork);
        client.Connect(IPAddress.Loopback, port);
        using Socket server = listener.Accept();

        InetSocket accepted = Find(server);

        Assert.True(accepted.IsIPv6);
        Assert.Equal(IPAddress.Loopback.MapToIPv6(), accepted.Local.Address);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, port), accepted.LocalOnWire);
        Assert.Equal(client.Client.LocalEndPoint, accepted.RemoteOnWire);
    }

    [Fact]
    public void A_datagram_socket_is_connected_or_not()
    {
        using Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        Assert.Equal((InetProtocol.Udp, InetSocketState.Close), (Find(socket).Protocol, Find(socket).State));

        socket.Connect(new IPEndPoint(IPAddress.IPv6Loopback, 9));
        Assert.Equal(InetSocketState.Established, Find(socket).State);
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Loopback, 9), Find(socket).Remote);
    }

    [Fact]
    public void Local_sockets_have_type_state_and_name()
    {
        using TemporaryDirectory directory = new();
        string path = directory["a b"];
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var pair = SeqPacketPair.Create();
        var table = SocketTable.Read(Environment.ProcessId);

        long listenerInode = InodeOf(listener);
        long pairInode = InodeOf(pair.Ours);
        Assert.Equal(
            new UnixSocket(UnixSocketType.Stream, UnixSocketState.Listen, path, listenerInode),
            table.Unix.Single(each => each.Inode == listenerInode));
        Assert.Equal(
            new UnixSocket(UnixSocketType.SeqPacket, UnixSocketState.Connected, null, pairInode),
            table.Unix.Single(each => each.Inode == pairInode));
    }

    [Fact]
    public void Lines_of_another_shape_are_passed_over()
    {
        Assert.Null(SocketTable.ParseUnix("second half of a path"));
        Assert.Null(SocketTable.ParseInet("", InetProtocol.Tcp, isIPv6: false));
    }

    [Fact]
    public void Abstract_names_keep_their_at_sign()
    {
        UnixSocket? socket = SocketTable.ParseUnix(
            "0000000000000000: 00000002 00000000 00010000 0005 01   321 @x y");

        Assert.Equal(new UnixSocket(UnixSocketType.SeqPacket, UnixSocketState.Listen, "@x y", 321), socket);
    }

    private static InetSocket Find(Socket socket)
    {
        long inode = InodeOf(socket);
        return SocketTable.Read(Environment.ProcessId).Inet.Single(each => each.Inode == inode);
    }

    private static long InodeOf(Socket socket) =>
        ProcFs.Descriptors(Environment.ProcessId)
            .Single(each => each.Fd == (int)socket.SafeHandle.DangerousGetHandle())
            .SocketInode!.Value;
}
