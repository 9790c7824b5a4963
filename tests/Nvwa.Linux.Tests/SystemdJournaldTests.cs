using System.Net.Sockets;
using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>journald's two protocols against a scripted peer, in real bytes.</summary>
public sealed class SystemdJournaldTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("nvwa-journald-").FullName;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public SystemdJournaldTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(1);
    }

    private string SocketPath => $"{_directory}/socket";

    public void Dispose()
    {
        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Synchronize_sends_one_call_and_returns_at_its_reply()
    {
        Task<string> peer = AnswerAsync("""{"parameters":{}}""" + "\0");

        await Task.Run(() => Journald.Synchronize(Patience, SocketPath));

        Assert.Equal("""{"method":"io.systemd.Journal.Synchronize","parameters":{}}""" + "\0", await peer);
    }

    [Fact]
    public async Task A_reply_in_pieces_is_put_together()
    {
        Task<string> peer = AnswerAsync("""{"para""", "meters\":{}}", "\0");

        await Task.Run(() => Journald.RelinquishVar(Patience, SocketPath));

        Assert.StartsWith("""{"method":"io.systemd.Journal.RelinquishVar",""", await peer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_in_the_reply_is_told_by_name()
    {
        Task<string> peer = AnswerAsync(
            """{"error":"io.systemd.Journal.NotSupportedByNamespaces","parameters":{"a":1}}""" + "\0");

        SystemdException failure = await Assert.ThrowsAsync<SystemdException>(
            () => Task.Run(() => Journald.RelinquishVar(Patience, SocketPath)));

        Assert.Equal("io.systemd.Journal.NotSupportedByNamespaces", failure.ErrorName);
        Assert.Equal("""{"a":1}""", failure.Explanation);
        await peer;
    }

    [Theory]
    [InlineData("no json\0", Errno.EBADMSG)]
    [InlineData("[]\0", Errno.EBADMSG)]
    [InlineData("{\"parameters\"", Errno.ECONNRESET)]
    [InlineData("", Errno.ECONNRESET)]
    public async Task A_reply_that_is_none_is_a_failure(string reply, int errno)
    {
        Task<string> peer = AnswerAsync(reply);

        LinuxException failure = await Assert.ThrowsAsync<LinuxException>(
            () => Task.Run(() => Journald.Synchronize(Patience, SocketPath)));

        Assert.Equal(errno, failure.Errno);
        await peer;
    }

    [Fact]
    public async Task A_reply_without_end_is_cut_off()
    {
        Task<string> peer = AnswerAsync(new string(' ', 100_000));

        LinuxException failure = await Assert.ThrowsAsync<LinuxException>(
            () => Task.Run(() => Journald.Synchronize(Patience, SocketPath)));

        Assert.Equal(Errno.EMSGSIZE, failure.Errno);
        await Record.ExceptionAsync(() => peer);
    }

    [Fact]
    public void A_silent_peer_is_given_up_at_the_deadline()
    {
        LinuxException failure = Assert.Throws<LinuxException>(
            () => Journald.Synchronize(TimeSpan.FromMilliseconds(100), SocketPath));

        Assert.Equal(Errno.ETIMEDOUT, failure.Errno);
    }

    [Fact]
    public void A_peer_that_does_not_even_accept_is_given_up_at_the_deadline()
    {
        using Socket first = JournaldSocket.Connect(SocketPath, Patience);
        using Socket second = JournaldSocket.Connect(SocketPath, Patience);

        LinuxException failure = Assert.Throws<LinuxException>(
            () => Journald.Synchronize(TimeSpan.FromMilliseconds(100), SocketPath));

        Assert.Equal(Errno.EAGAIN, failure.Errno);
    }

    [Fact]
    public void A_missing_journald_is_an_errno()
    {
        LinuxException failure = Assert.Throws<LinuxException>(
            () => Journald.Synchronize(Patience, $"{_directory}/nobody"));

        Assert.Equal(Errno.ENOENT, failure.Errno);
    }

    [Fact]
    public async Task A_stream_begins_with_its_header_and_carries_text_one_way()
    {
        using Socket stream = Journald.ConnectStream("redis", "redis.service", 30, SocketPath);
        using Socket peer = await _listener.AcceptAsync();
        stream.Send("a line\n"u8);
        stream.Shutdown(SocketShutdown.Send);

        using StreamReader reader = new(new NetworkStream(peer), Encoding.UTF8);
        Assert.Equal("redis\nredis.service\n30\n1\n0\n0\n0\na line\n", await reader.ReadToEndAsync());
        Assert.Equal(0, stream.Receive(new byte[1]));
    }

    /// <summary>Whoever gets it as standard output must find it blocking, and no other child may get it.</summary>
    [Fact]
    public void A_stream_is_blocking_and_closes_on_exec()
    {
        const int O_NONBLOCK = 0x800;
        const int O_CLOEXEC = 0x80000;
        using Socket stream = Journald.ConnectStream("redis", "redis.service", 30, SocketPath);

        string line = File.ReadLines($"/proc/self/fdinfo/{stream.Handle}")
            .Single(line => line.StartsWith("flags:", StringComparison.Ordinal));
        int flags = Convert.ToInt32(line["flags:".Length..].Trim(), 8);

        Assert.Equal(0, flags & O_NONBLOCK);
        Assert.Equal(O_CLOEXEC, flags & O_CLOEXEC);
    }

    [Fact]
    public void A_line_break_in_a_header_line_is_the_callers_mistake() =>
        Assert.Throws<ArgumentException>(() => Journald.ConnectStream("a\nb", "c.service", 30, SocketPath));

    /// <summary>Takes one connection, reads up to the zero byte, sends the pieces, hangs up. Returns what was read.</summary>
    private async Task<string> AnswerAsync(params string[] pieces)
    {
        using Socket peer = await _listener.AcceptAsync();
        List<byte> received = [];
        byte[] one = new byte[1];
        while ((received.Count == 0 || received[^1] != 0) && await peer.ReceiveAsync(one) == 1)
        {
            received.Add(one[0]);
        }

        foreach (string piece in pieces)
        {
            await peer.SendAsync(Encoding.UTF8.GetBytes(piece));
        }

        return Encoding.UTF8.GetString([.. received]);
    }
}
