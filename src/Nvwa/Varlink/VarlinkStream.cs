using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Nvwa.Varlink;

/// <summary>The peer sent something that is not varlink, or more of it than we take.</summary>
internal sealed class VarlinkProtocolException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// Messages on a stream socket: JSON objects, each ended by a NUL byte (varlink.org, "Protocol"). A message longer than
/// <see cref="MaxMessage"/> is refused before more of it is read.
/// </summary>
internal sealed class VarlinkStream(Socket socket) : IDisposable
{
    public const int MaxMessage = 1 << 20;

    private readonly SemaphoreSlim _writing = new(1, 1);
    private byte[] _buffer = new byte[4096];
    private int _filled;

    /// <returns>Null when the peer closed the connection between two messages.</returns>
    /// <exception cref="VarlinkProtocolException">Not a message.</exception>
    public async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        int searched = 0;
        while (true)
        {
            int end = _buffer.AsSpan(searched, _filled - searched).IndexOf((byte)0);
            if (end >= 0)
            {
                return Take(searched + end, type);
            }

            searched = _filled;
            Grow();
            int received = await socket.ReceiveAsync(_buffer.AsMemory(_filled), cancellation);
            if (received == 0)
            {
                return _filled == 0 ? null : throw new VarlinkProtocolException("the peer closed the connection within a message");
            }

            _filled += received;
        }
    }

    public async Task WriteAsync<T>(T message, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(message, type), 0];
        await _writing.WaitAsync(cancellation);
        try
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.AsMemory(sent), cancellation);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        _writing.Dispose();
    }

    private T Take<T>(int length, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(_buffer.AsSpan(0, length), type)
                ?? throw new VarlinkProtocolException("a message is null");
        }
        catch (JsonException broken)
        {
            throw new VarlinkProtocolException($"a message is not the JSON it should be: {broken.Message}", broken);
        }
        finally
        {
            _filled -= length + 1;
            _buffer.AsSpan(length + 1, _filled).CopyTo(_buffer);
        }
    }

    private void Grow()
    {
        if (_filled < _buffer.Length)
        {
            return;
        }

        if (_filled >= MaxMessage)
        {
            throw new VarlinkProtocolException($"a message is longer than {MaxMessage} bytes");
        }

        Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, MaxMessage));
    }
}
