using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>User identities: geteuid(2), unix(7).</summary>
public static class Credentials
{
    public static uint EffectiveUser => Libc.EffectiveUser();

    public static bool IsRoot => Libc.EffectiveUser() == 0;

    /// <summary>The other end of a connected local socket.</summary>
    /// <exception cref="LinuxException">ENOTSOCK, ENOTCONN, ...</exception>
    public static PeerCredentials OfPeer(SafeHandle socket) => Libc.Peer(socket);
}
