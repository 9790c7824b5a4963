using System.Buffers.Binary;
using System.Net.Sockets;

namespace Nvwa.Linux;

/// <summary>A stream socket to a path, connected within a time, and left blocking.</summary>
internal static class JournaldSocket
{
    private const int SOL_SOCKET = 1;
    private const int SO_SNDTIMEO = 21;

    /// <summary>
    /// A connect waits while the listener's queue is full, for ever if the listener hangs. The kernel's own send timeout
    /// bounds it; the runtime's way, a non-blocking descriptor, could not be taken back, and whoever gets this one as its
    /// standard output must find it blocking.
    /// </summary>
    /// <exception cref="LinuxException">ENOENT, ECONNREFUSED; EAGAIN when the time is over.</exception>
    public static Socket Connect(string path, TimeSpan timeout)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            SetSendTimeout(socket, timeout);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            SetSendTimeout(socket, TimeSpan.Zero);
            return socket;
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw new LinuxException("connect", path, Number(failure));
        }
    }

    /// <summary>The runtime folds the missing path into an error of its own.</summary>
    private static int Number(SocketException failure) =>
        failure.SocketErrorCode == SocketError.AddressNotAvailable ? Errno.ENOENT : failure.NativeErrorCode;

    /// <summary>struct timeval: seconds and microseconds; zero is none.</summary>
    private static void SetSendTimeout(Socket socket, TimeSpan timeout)
    {
        long microseconds = (long)timeout.TotalMicroseconds;
        Span<byte> value = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(value, microseconds / 1_000_000);
        BinaryPrimitives.WriteInt64LittleEndian(value[8..], microseconds % 1_000_000);
        socket.SetRawSocketOption(SOL_SOCKET, SO_SNDTIMEO, value);
    }
}
