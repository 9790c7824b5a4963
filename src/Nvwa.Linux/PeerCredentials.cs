namespace Nvwa.Linux;

/// <summary>Who connected, or made the pair, as the kernel noted it then: SO_PEERCRED, see unix(7).</summary>
public readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid);
