using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

public sealed class CredentialsTests
{
    [Fact]
    public void The_peer_of_a_pair_is_who_made_it()
    {
        using var pair = SeqPacketPair.Create();
        PeerCredentials peer = Credentials.OfPeer(pair.Ours.SafeHandle);

        Assert.Equal((Environment.ProcessId, Credentials.EffectiveUser), (peer.Pid, peer.Uid));
        Assert.Equal(Credentials.EffectiveUser == 0, Credentials.IsRoot);
    }

    [Fact]
    public void A_file_has_no_peer()
    {
        using SafeFileHandle file = Libc.Open("/dev/null", Libc.O_RDONLY);

        Assert.Equal(Errno.ENOTSOCK, Assert.Throws<LinuxException>(() => Credentials.OfPeer(file)).Errno);
    }
}
