using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>
/// A connection to <c>lab/workloads/sockets.py</c> on which every byte is known: at offset n it is n mod 251, a prime, so
/// that what is lost, doubled or moved shows.
/// </summary>
public sealed class PatternClient : IDisposable
{
    /// <summary>What the server sends of the pattern.</summary>
    public const int Length = 1 << 20;

    private const int Period = 251;

    /// <summary>Small ones fill up, and stay so.</summary>
    private const int BufferBytes = 128 << 10;

    private readonly Socket _socket;
    private long _received;

    private PatternClient(Socket socket) => _socket = socket;

    public static async Task<PatternClient> ConnectAsync(LabNetwork network, IPEndPoint peer, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(peer);
        Socket socket = await network.CreateSocketAsync(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        (socket.SendBufferSize, socket.ReceiveBufferSize) = (BufferBytes, BufferBytes);
        await socket.ConnectAsync(peer, cancellationToken).AsTask().WaitAsync(timeout, cancellationToken);
        return new PatternClient(socket);
    }

    /// <summary>In the server's words.</summary>
    public static string Digest(int length) => Convert.ToHexStringLower(SHA256.HashData(Pattern(0, length)));

    /// <summary>All of it, and the end of this direction.</summary>
    public async Task SendAsync(int length, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> rest = Pattern(0, length);
        while (!rest.IsEmpty)
        {
            rest = rest[await _socket.SendAsync(rest, SocketFlags.None, cancellationToken)..];
        }

        _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>So much more of the pattern.</summary>
    /// <exception cref="LabException">Something else came, or the end.</exception>
    public async Task ReceiveAsync(int length, CancellationToken cancellationToken = default)
    {
        byte[] buffer = new byte[Math.Min(length, BufferBytes)];
        for (int rest = length; rest > 0;)
        {
            int count = await _socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(rest, buffer.Length)), cancellationToken);
            if (count == 0 || !buffer.AsSpan(0, count).SequenceEqual(Pattern(_received, count)))
            {
                throw new LabException(count == 0 ? $"the end came after {_received} bytes" : $"wrong bytes between {_received} and {_received + count}");
            }

            _received += count;
            rest -= count;
        }
    }

    /// <summary>What comes up to the end, as text.</summary>
    public async Task<string> ReceiveRestAsync(CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        byte[] buffer = new byte[BufferBytes];
        while (await _socket.ReceiveAsync(buffer, cancellationToken) is > 0 and int count)
        {
            _ = text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }

    public void Dispose() => _socket.Dispose();

    private static byte[] Pattern(long offset, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)((offset + i) % Period);
        }

        return bytes;
    }
}
