using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Lab;

/// <summary>
/// Writes to a disk image of any format through qemu-nbd: as much of the NBD protocol as that takes, one request at a time.
/// All numbers are big-endian.
/// <code>
/// server   "NBDMAGIC" "IHAVEOPT" u16 flags
/// client   u32 flags "IHAVEOPT" u32 option (1: choose the export) u32 length of its name (0: the only one)
/// server   u64 size, u16 flags
///
/// request  u32 magic, u16 flags, u16 type, u64 cookie, u64 offset, u32 length, data of a write
/// reply    u32 magic, u32 error, u64 cookie
/// </code>
/// </summary>
internal sealed class NbdClient : IDisposable
{
    private const ulong ServerMagic = 0x4e42444d41474943;
    private const ulong OptionMagic = 0x49484156454f5054;
    private const uint FixedNewStyleWithoutZeroes = 3;
    private const uint ExportName = 1;
    private const uint RequestMagic = 0x25609513;
    private const uint ReplyMagic = 0x67446698;
    private const int RequestBytes = 28;
    private const int ReplyBytes = 16;
    private const int PieceBytes = 1 << 20;

    private readonly NetworkStream _stream;
    private readonly byte[] _buffer = new byte[RequestBytes + PieceBytes];

    private NbdClient(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    private enum Command : ushort
    {
        Write = 1,
        Disconnect = 2,
    }

    /// <exception cref="SocketException">Nobody listens there yet.</exception>
    public static async Task<NbdClient> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            var client = new NbdClient(socket);
            await client.GreetAsync(cancellationToken);
            return client;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Copies a part of a file to the disk.</summary>
    /// <exception cref="LabException">The server refused.</exception>
    public async Task WriteAsync(long diskOffset, SafeFileHandle source, long sourceOffset, long length, CancellationToken cancellationToken)
    {
        for (long done = 0; done < length; done += PieceBytes)
        {
            int piece = (int)Math.Min(PieceBytes, length - done);
            Memory<byte> data = _buffer.AsMemory(RequestBytes, piece);
            int read = await RandomAccess.ReadAsync(source, data, sourceOffset + done, cancellationToken);
            // The end of the log is sparse after a write of zeroes.
            data[read..].Span.Clear();
            await SendAsync(Command.Write, diskOffset + done, piece, piece, cancellationToken);
            await AwaitReplyAsync(cancellationToken);
        }
    }

    /// <summary>Says good-bye: the server ends with everything written.</summary>
    public Task EndAsync(CancellationToken cancellationToken) => SendAsync(Command.Disconnect, 0, 0, 0, cancellationToken);

    public void Dispose() => _stream.Dispose();

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        Memory<byte> greeting = _buffer.AsMemory(0, 18);
        await _stream.ReadExactlyAsync(greeting, cancellationToken);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting.Span) != ServerMagic
            || BinaryPrimitives.ReadUInt64BigEndian(greeting.Span[8..]) != OptionMagic)
        {
            throw new LabException("this is no NBD server");
        }

        Memory<byte> choice = _buffer.AsMemory(0, 20);
        BinaryPrimitives.WriteUInt32BigEndian(choice.Span, FixedNewStyleWithoutZeroes);
        BinaryPrimitives.WriteUInt64BigEndian(choice.Span[4..], OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(choice.Span[12..], ExportName);
        BinaryPrimitives.WriteUInt32BigEndian(choice.Span[16..], 0);
        await _stream.WriteAsync(choice, cancellationToken);
        await _stream.ReadExactlyAsync(_buffer.AsMemory(0, 10), cancellationToken);
    }

    private async Task SendAsync(Command command, long offset, int length, int dataBytes, CancellationToken cancellationToken)
    {
        Span<byte> request = _buffer.AsSpan(0, RequestBytes);
        request.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(request, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(request[6..], (ushort)command);
        BinaryPrimitives.WriteInt64BigEndian(request[16..], offset);
        BinaryPrimitives.WriteInt32BigEndian(request[24..], length);
        await _stream.WriteAsync(_buffer.AsMemory(0, RequestBytes + dataBytes), cancellationToken);
    }

    private async Task AwaitReplyAsync(CancellationToken cancellationToken)
    {
        Memory<byte> reply = _buffer.AsMemory(0, ReplyBytes);
        await _stream.ReadExactlyAsync(reply, cancellationToken);
        uint error = BinaryPrimitives.ReadUInt32BigEndian(reply.Span[4..]);
        if (BinaryPrimitives.ReadUInt32BigEndian(reply.Span) != ReplyMagic || error != 0)
        {
            throw new LabException($"qemu-nbd did not write: error {error}");
        }
    }
}
