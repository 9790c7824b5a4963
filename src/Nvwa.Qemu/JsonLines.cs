using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>
/// One JSON object a line, both ways, over a unix stream socket: what QMP and the guest agent share.
/// <code>
/// host:  [0xFF] {"execute": ...} LF        0xFF only to make a guest agent forget half a line
/// peer:  [0xFF] {"return": ...} CR LF      0xFF only before the reply to guest-sync-delimited
/// </code>
/// A line is held to <c>maxLineBytes</c> before memory is taken for it. Not for concurrent readers or concurrent writers.
/// </summary>
internal sealed class JsonLines : IDisposable
{
    public const byte Sentinel = 0xFF;

    private const int FirstBufferBytes = 4096;

    private static readonly TimeSpan FullPause = TimeSpan.FromMilliseconds(5);

    private readonly string _socketPath;
    private readonly int _maxLineBytes;
    private readonly Socket _socket;
    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _start;
    private int _end;

    private JsonLines(string socketPath, int maxLineBytes, Socket socket)
    {
        _socketPath = socketPath;
        _maxLineBytes = maxLineBytes;
        _socket = socket;
    }

    /// <summary>Who listens at the other end, as it was when it began to.</summary>
    public PeerCredentials Peer => Credentials.OfPeer(_socket.SafeHandle);

    public static async Task<JsonLines> ConnectAsync(string socketPath, int maxLineBytes, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return new JsonLines(socketPath, maxLineBytes, socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new QmpTransportException(socketPath, $"connect: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next line as it came, without its end. It is valid until the next call.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadLineAsync(CancellationToken cancellationToken)
    {
        int searched = _start;
        while (true)
        {
            int length = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (length >= 0)
            {
                int lineEnd = searched + length;
                ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, lineEnd - _start);
                _start = lineEnd + 1;
                return line;
            }

            MakeRoom();
            searched = _end;
            _end += await ReceiveAsync(cancellationToken);
        }
    }

    /// <param name="message">One line.</param>
    /// <param name="sentinel">Whether 0xFF comes before it.</param>
    /// <param name="descriptor">Goes with it; null for none.</param>
    /// <param name="cancellationToken">May leave half a line behind.</param>
    public async Task WriteAsync(JsonObject message, bool sentinel, SafeHandle? descriptor, CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        if (sentinel)
        {
            line.WriteByte(Sentinel);
        }

        using (var writer = new Utf8JsonWriter(line))
        {
            message.WriteTo(writer);
        }

        line.WriteByte((byte)'\n');
        ReadOnlyMemory<byte> bytes = line.GetBuffer().AsMemory(0, (int)line.Length);
        int sent = descriptor is null ? 0 : await PassAsync(bytes, descriptor, cancellationToken);
        await SendAsync(bytes[sent..], cancellationToken);
    }

    /// <summary>An object whose names and strings are text throughout.</summary>
    public JsonElement Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            RequireText(line.Span);
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw Broken("a line is not a JSON object");
        }
        catch (JsonException e)
        {
            throw Broken("a line is not JSON", e);
        }
    }

    /// <summary>
    /// JsonDocument looks into names and strings only when they are asked for, or searched, and throws
    /// InvalidOperationException then.
    /// </summary>
    private void RequireText(ReadOnlySpan<byte> line)
    {
        if (!Utf8.IsValid(line))
        {
            throw Broken("a line is not UTF-8");
        }

        try
        {
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }
        }
        catch (InvalidOperationException e)
        {
            throw Broken("a line has half a character", e);
        }
    }

    public QmpTransportException Broken(string reason, Exception? cause = null) => new(_socketPath, reason, cause);

    public void Dispose() => _socket.Dispose();

    private async Task<int> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            int received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
            return received > 0 ? received : throw Broken("the peer closed the connection");
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Broken($"receive: {e.Message}", e);
        }
    }

    // .NET's own sockets pass no descriptors.
    private async Task<int> PassAsync(ReadOnlyMemory<byte> bytes, SafeHandle descriptor, CancellationToken cancellationToken)
    {
        try
        {
            int sent;
            while ((sent = PassedDescriptor.Send(_socket.SafeHandle, bytes.Span, descriptor)) == 0)
            {
                await Task.Delay(FullPause, cancellationToken);
            }

            return sent;
        }
        catch (Exception e) when (e is LinuxException or ObjectDisposedException)
        {
            throw Broken($"send: {e.Message}", e);
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                int sent = await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken);
                bytes = bytes[sent..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Broken($"send: {e.Message}", e);
        }
    }

    // Lines already returned make room first; then the buffer doubles, up to the cap.
    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end < _buffer.Length)
        {
            return;
        }

        if (_end >= _maxLineBytes)
        {
            throw Broken($"a line is longer than {_maxLineBytes} bytes");
        }

        Array.Resize(ref _buffer, (int)Math.Min(2L * _buffer.Length, _maxLineBytes));
    }
}
