namespace Nvwa.Linux;

/// <summary>A local socket of a network namespace: /proc/PID/net/unix.</summary>
/// <param name="Type">Stream, datagram or seqpacket.</param>
/// <param name="State">The kernel does not say to whom it is connected.</param>
/// <param name="Path">Its name: a path, or <c>@...</c> in the abstract namespace; null if it has none.</param>
/// <param name="Inode">As in <c>socket:[..]</c>.</param>
public sealed record UnixSocket(UnixSocketType Type, UnixSocketState State, string? Path, long Inode);
