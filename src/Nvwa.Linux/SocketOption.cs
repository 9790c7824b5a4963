using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>An option of a socket, as getsockopt(2) gives it.</summary>
/// <param name="Level">SOL_SOCKET or a protocol.</param>
/// <param name="Number">Of the option on this level.</param>
/// <param name="Value">Its bytes, in hexadecimal digits.</param>
public sealed record SocketOption(int Level, int Number, string Value)
{
    private const int MaxLength = 64;

    /// <summary>Null if this socket has no such option.</summary>
    public static SocketOption? Read(SafeHandle socket, int level, int number)
    {
        Span<byte> buffer = stackalloc byte[MaxLength];
        int length = Libc.TryGetOption(socket, level, number, buffer);
        return length < 0 ? null : new SocketOption(level, number, Convert.ToHexString(buffer[..length]));
    }

    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Set(SafeHandle socket)
    {
        int errno = Libc.TrySetOption(socket, Level, Number, Convert.FromHexString(Value));
        if (errno != 0)
        {
            throw new LinuxException("setsockopt", $"level {Level}, option {Number}", errno);
        }
    }
}

/// <summary>What a socket was made with: socket(2).</summary>
public sealed record SocketKind(int Family, int Type, int Protocol)
{
    public const int Unix = 1;
    public const int Internet = 2;
    public const int Internet6 = 10;

    private const int SOCK_STREAM = 1;
    private const int SOCK_DGRAM = 2;
    private const int SOL_SOCKET = 1;
    private const int SO_TYPE = 3;
    private const int SO_ACCEPTCONN = 30;
    private const int SO_PROTOCOL = 38;
    private const int SO_DOMAIN = 39;

    public bool IsInternet => Family is Internet or Internet6;

    public bool IsStream => Type == SOCK_STREAM;

    /// <summary>Whether this one of its kind waits for anybody: it listens, or takes datagrams and has no peer.</summary>
    public bool IsWaiting(SafeHandle socket) => Type == SOCK_DGRAM ? !Libc.HasPeer(socket) : Number(socket, SO_ACCEPTCONN) == 1;

    /// <summary>What it is bound to, a sockaddr: getsockname(2).</summary>
    /// <exception cref="LinuxException">It is no socket.</exception>
    public static byte[] Address(SafeHandle socket) => Libc.SocketName(socket);

    /// <summary>Null for what is no socket.</summary>
    public static SocketKind? Of(SafeHandle socket) =>
        Number(socket, SO_DOMAIN) is { } family && Number(socket, SO_TYPE) is { } type && Number(socket, SO_PROTOCOL) is { } protocol
            ? new SocketKind(family, type, protocol)
            : null;

    /// <summary>A new one, in the network namespace of the calling thread.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public SafeFileHandle Make() => Libc.Socket(Family, Type, Protocol);

    /// <summary>As if the peer had closed: what is there is read, then the end (shutdown(2), SHUT_RD).</summary>
    public static void EndReceiving(SafeHandle socket) => Libc.ShutDownReceiving(socket);

    private static int? Number(SafeHandle socket, int option) =>
        SocketOption.Read(socket, SOL_SOCKET, option) is { Value: { Length: 2 * sizeof(int) } value } ? BitConverter.ToInt32(Convert.FromHexString(value)) : null;
}
