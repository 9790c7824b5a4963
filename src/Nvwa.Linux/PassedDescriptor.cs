using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>A descriptor that goes with bytes over a unix socket: unix(7), SCM_RIGHTS.</summary>
public static class PassedDescriptor
{
    /// <summary>Sends as many of the bytes as the socket takes now, and the descriptor with the first of them.</summary>
    /// <returns>How many were sent; 0, and no descriptor, if it takes none.</returns>
    /// <exception cref="LinuxException">The peer is gone, or takes no descriptors.</exception>
    public static int Send(SafeHandle socket, ReadOnlySpan<byte> bytes, SafeHandle descriptor) =>
        Libc.TrySend(socket, bytes, descriptor) switch
        {
            -Errno.EAGAIN => 0,
            < 0 and var errno => throw new LinuxException("sendmsg", "SCM_RIGHTS", -errno),
            var sent => sent,
        };
}
