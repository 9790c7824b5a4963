namespace Nvwa.Linux;

/// <summary>An open descriptor of a process: /proc/PID/fd and /proc/PID/fdinfo, see proc(5).</summary>
/// <param name="Fd">Its number.</param>
/// <param name="Target">The link's text: a path (with <c> (deleted)</c> after one that is gone), or <c>socket:[4711]</c>,
/// <c>pipe:[..]</c>, <c>anon_inode:..</c>.</param>
/// <param name="Position">Offset in bytes.</param>
/// <param name="Flags">Access mode and O_ flags of the architecture; O_CLOEXEC included.</param>
/// <param name="MountId">As in <see cref="Mount.Id"/>, in the mount namespace of the process.</param>
public sealed record Descriptor(int Fd, string Target, long Position, int Flags, int MountId)
{
    /// <summary>The inode of a socket, null for anything else.</summary>
    public long? SocketInode =>
        Target.StartsWith("socket:[", StringComparison.Ordinal)
        && Target.EndsWith(']')
        && long.TryParse(Target.AsSpan(8, Target.Length - 9), out long inode)
            ? inode
            : null;
}
