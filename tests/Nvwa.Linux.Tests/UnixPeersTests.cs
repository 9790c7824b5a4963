using System.Net.Sockets;

namespace Nvwa.Linux.Tests;

public sealed class UnixPeersTests
{
    /// <summary>As ss of iproute2 6.15 prints it.</summary>
    private const string Sample = """
        u_str LISTEN 0      4096                      /run/systemd/journal/stdout 1541               * 0
        u_str ESTAB  0      0                         /run/systemd/journal/stdout 9316               * 9317
        u_str ESTAB  0      0                                                   * 9317               * 9316
        u_dgr UNCONN 0      0                                /run/systemd/notify 1500               * 0
        u_dgr ESTAB  0      0                                                   * 2077               * 1500
        u_seq ESTAB  0      0                                                   * 3001               * 3002
        u_str ESTAB  0      0                           @/tmp/dbus-x with blanks 4001               * 4002
        u_str ESTAB  0      0                                                   * 4002               * 4001
        u_str ESTAB  0      0                                                   * 4294967295         * 0

        """;

    [Fact]
    public void Each_socket_has_its_other_end_and_that_ones_path() => Assert.Equal(
        [
            new UnixPeer(1541, true, 0, null),
            new UnixPeer(9316, true, 9317, null),
            new UnixPeer(9317, true, 9316, "/run/systemd/journal/stdout"),
            new UnixPeer(1500, false, 0, null),
            new UnixPeer(2077, false, 1500, "/run/systemd/notify"),
            new UnixPeer(3001, false, 3002, null) { IsConnection = true },
            new UnixPeer(4001, true, 4002, null),
            new UnixPeer(4002, true, 4001, "@/tmp/dbus-x with blanks"),
            new UnixPeer(4294967295, true, 0, null),
        ],
        UnixPeers.Parse(Sample));

    [Fact]
    public async Task A_connection_that_nobody_has_accepted_is_one_to_the_listening_socket()
    {
        using TemporaryDirectory directory = new();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory["server"]));
        listener.Listen();
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(directory["server"]));

        IReadOnlyList<UnixPeer> peers = await UnixPeers.ReadAsync(CancellationToken.None);

        Assert.Equal(new UnixPeer(InodeOf(client), true, InodeOf(listener), directory["server"]), peers.Single(peer => peer.Inode == InodeOf(client)));
        Assert.Contains(new UnixPeer(InodeOf(listener), true, InodeOf(client), null), peers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n")]
    [InlineData("tcp ESTAB 0 0 10.0.0.1:22 10.0.0.2:5\n")]
    [InlineData("u_str ESTAB 0 0 * 12 * \n")]
    public void Lines_of_another_kind_are_passed_over(string output) => Assert.Empty(UnixPeers.Parse(output));

    [Fact]
    public async Task The_ends_of_a_real_connection_name_each_other()
    {
        using TemporaryDirectory directory = new();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory["a b"]));
        listener.Listen();
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(directory["a b"]));
        using Socket server = await listener.AcceptAsync();

        IReadOnlyList<UnixPeer> peers = await UnixPeers.ReadAsync(CancellationToken.None);

        UnixPeer near = peers.Single(peer => peer.Inode == InodeOf(client));
        Assert.Equal(InodeOf(server), near.PeerInode);
        Assert.Equal(directory["a b"], near.PeerPath);
        Assert.True(near.IsStream);
        Assert.Equal(near.Inode, peers.Single(peer => peer.Inode == InodeOf(server)).PeerInode);
        Assert.Equal(0, peers.Single(peer => peer.Inode == InodeOf(listener)).PeerInode);
    }

    [Fact]
    public async Task A_pair_of_packets_is_no_stream()
    {
        using var pair = SeqPacketPair.Create();
        long inode = ProcFs.Descriptors(Environment.ProcessId)
            .Single(descriptor => descriptor.Fd == (int)pair.Theirs.DangerousGetHandle()).SocketInode!.Value;

        UnixPeer peer = (await UnixPeers.ReadAsync(CancellationToken.None)).Single(peer => peer.Inode == inode);

        Assert.False(peer.IsStream);
        Assert.True(peer.IsConnection);
        Assert.NotEqual(0, peer.PeerInode);
        Assert.Null(peer.PeerPath);
    }

    private static long InodeOf(Socket socket) => ProcFs.Descriptors(Environment.ProcessId)
        .Single(descriptor => descriptor.Fd == (int)socket.Handle).SocketInode!.Value;
}
