using System.Net.Sockets;
using Google.Protobuf;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu;

/// <summary>Packets: one message is one packet of the socket.</summary>
internal sealed class CriuConnection : IDisposable
{
    private const string ClosedMessage = "CRIU closed the connection before it answered";

    private readonly Socket _socket;

    // One byte more than is allowed: a packet that fills it is too long. The kernel cuts packets to the buffer.
    private readonly byte[] _buffer;

    public CriuConnection(Socket socket, int maximumLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumLength, 1024);
        _socket = Checked(socket);
        _buffer = new byte[maximumLength + 1];
    }

    public async Task SendAsync(CriuOperation operation, Request request, CancellationToken cancellationToken)
    {
        byte[] packet = request.ToByteArray();
        try
        {
            await _socket.SendAsync(packet, SocketFlags.None, cancellationToken);
        }
        catch (SocketException error)
        {
            throw Failed(operation, error);
        }
    }

    public async Task<Response> ReceiveAsync(CriuOperation operation, CancellationToken cancellationToken)
    {
        int length;
        try
        {
            length = await _socket.ReceiveAsync(_buffer, SocketFlags.None, cancellationToken);
        }
        catch (SocketException error)
        {
            throw Failed(operation, error);
        }

        if (length == 0)
        {
            throw new CriuTransportException(operation, CriuTransportFailure.Closed, ClosedMessage);
        }

        if (length == _buffer.Length)
        {
            throw new CriuTransportException(
                operation,
                CriuTransportFailure.TooLarge,
                $"CRIU sent more than {_buffer.Length - 1} bytes in one packet");
        }

        return Parse(operation, _buffer.AsSpan(0, length));
    }

    public void Dispose() => _socket.Dispose();

    private static Socket Checked(Socket socket) =>
        socket.AddressFamily == AddressFamily.Unix && socket.SocketType == SocketType.Seqpacket
            ? socket
            : throw new ArgumentException(
                $"CRIU speaks over a unix SOCK_SEQPACKET socket, not {socket.AddressFamily} {socket.SocketType}",
                nameof(socket));

    private static Response Parse(CriuOperation operation, ReadOnlySpan<byte> packet)
    {
        Response response;
        try
        {
            response = Response.Parser.ParseFrom(packet);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new CriuTransportException(
                operation,
                CriuTransportFailure.Malformed,
                "CRIU sent a packet that is no message",
                error);
        }

        return response.IsInitialized()
            ? response
            : throw new CriuTransportException(
                operation,
                CriuTransportFailure.Malformed,
                "CRIU sent a message that lacks a required field");
    }

    private static CriuTransportException Failed(CriuOperation operation, SocketException error)
    {
        // A peer that dies with packets unread resets; one that is gone cannot be written to.
        bool closed = error.SocketErrorCode
            is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted;
        return closed
            ? new CriuTransportException(operation, CriuTransportFailure.Closed, ClosedMessage, error)
            : new CriuTransportException(
                operation,
                CriuTransportFailure.SocketError,
                $"the socket to CRIU failed: {error.Message}",
                error);
    }
}
