using System.Net.Sockets;

namespace Nvwa.Linux;

/// <summary>
/// Two connected local sockets that keep message boundaries: socketpair(2), SOCK_SEQPACKET, both with CLOEXEC.
/// </summary>
public sealed class SeqPacketPair : IDisposable
{
    private SeqPacketPair((SafeSocketHandle First, SafeSocketHandle Second) ends)
    {
        Ours = new Socket(ends.First);
        Theirs = ends.Second;
    }

    /// <summary>For this process.</summary>
    public Socket Ours { get; }

    /// <summary>
    /// For a child, through <see cref="SpawnRequest.Inherit"/>. To be closed here once the child has it: then the child's
    /// end is seen at ours.
    /// </summary>
    public SafeSocketHandle Theirs { get; }

    /// <exception cref="LinuxException">EMFILE, ENFILE, ENOMEM.</exception>
    public static SeqPacketPair Create() => new(Libc.SeqPacketPair());

    public void Dispose()
    {
        Ours.Dispose();
        Theirs.Dispose();
    }
}
