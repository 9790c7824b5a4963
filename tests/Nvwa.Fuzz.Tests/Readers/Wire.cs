using System.Net.Sockets;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>What readers of sockets share: a listener on a socket of their own, and memory counted over all threads.</summary>
internal abstract class WireTarget(string name) : Target(name)
{
    /// <summary>Pieces in which a peer sends; a reader must not care.</summary>
    private const int Pieces = 3;

    private readonly Lazy<Socket> _listener = new(() => Listen(PathOf(name)));

    public override int Rounds => 2_000;

    /// <summary>Sockets, tasks and the peer come to it.</summary>
    public override long AllocatedAtMost => 2 << 20;

    public override IReadOnlyList<byte[]> Openers { get; } = Bytes("[", "{\"a\":", " ", "{}\0", "{}\n", "\0", "\n", "1", "\"");

    public override long Allocated() => GC.GetTotalAllocatedBytes();

    protected Socket Listener => _listener.Value;

    protected string SocketPath => PathOf(Name);

    protected async Task<(Socket Ours, Socket Theirs)> PairAsync()
    {
        Socket ours = Unix();
        Task<Socket> accepting = Listener.AcceptAsync();
        await ours.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        return (ours, await accepting);
    }

    /// <summary>A peer that is cut off in the middle is cut off; that is no finding.</summary>
    protected static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            int piece = (bytes.Length / Pieces) + 1;
            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.Slice(sent, Math.Min(piece, bytes.Length - sent)));
            }
        }
        catch (SocketException)
        {
            // The reader refused, and hung up.
        }
    }

    protected static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        await SendAsync(socket, bytes);
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // As above.
        }
    }

    /// <summary>All that the peer says until it hangs up.</summary>
    protected static async Task<byte[]> DrainAsync(Socket socket)
    {
        List<byte> all = [];
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer) is > 0 and int received)
            {
                all.AddRange(buffer.AsSpan(0, received));
            }
        }
        catch (SocketException)
        {
            // Hung up with something left unread.
        }

        return [.. all];
    }

    protected static Socket Unix() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>An abstract one, which goes with this process.</summary>
    private static string PathOf(string name) => $"\0nvwa-fuzz-{Environment.ProcessId}-{name}";

    private static Socket Listen(string path)
    {
        Socket listener = Unix();
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }
}
