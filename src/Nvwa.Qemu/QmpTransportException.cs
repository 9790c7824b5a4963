namespace Nvwa.Qemu;

/// <summary>
/// The conversation is over: the socket closed, or the peer said something that is not the protocol. Whether a command that
/// was under way took effect is not known.
/// </summary>
public sealed class QmpTransportException(string socketPath, string reason, Exception? cause = null)
    : Exception($"{socketPath}: {reason}", cause)
{
    public string SocketPath { get; } = socketPath;

    public string Reason { get; } = reason;
}
