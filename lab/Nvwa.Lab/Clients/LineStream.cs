using System.Net.Sockets;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>Short lines of ASCII over a socket, ended by LF or CR LF.</summary>
internal sealed class LineStream(Socket socket)
{
    private const int MaxLineBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[MaxLineBytes];
    private int _start;
    private int _end;

    /// <exception cref="LabException">The peer closed, or its line is too long.</exception>
    /// <exception cref="SocketException">Reset, timed out or unreachable.</exception>
    public async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (length >= 0)
            {
                string line = Encoding.ASCII.GetString(_buffer, _start, length).TrimEnd('\r');
                _start += length + 1;
                return line;
            }

            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            if (_end == _buffer.Length)
            {
                throw new LabException("the peer sent a line without end");
            }

            _end += await ReceiveAsync(cancellationToken);
        }
    }

    /// <summary>So many bytes, whatever is in them; valid until the next call.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadBytesAsync(int count, CancellationToken cancellationToken)
    {
        while (_end - _start < count)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            if (count > _buffer.Length)
            {
                throw new LabException($"the peer wants to send {count} bytes at once");
            }

            _end += await ReceiveAsync(cancellationToken);
        }

        ReadOnlyMemory<byte> bytes = _buffer.AsMemory(_start, count);
        _start += count;
        return bytes;
    }

    public Task WriteAsync(string text, CancellationToken cancellationToken) => WriteAsync(Encoding.ASCII.GetBytes(text), cancellationToken);

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    private async Task<int> ReceiveAsync(CancellationToken cancellationToken)
    {
        int received = await socket.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
        return received > 0 ? received : throw new LabException("the peer closed the connection");
    }
}
