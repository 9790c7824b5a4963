namespace Nvwa.Linux;

/// <summary>
/// Tells the service manager about this process: sd_notify(3). The socket is the one in <c>$NOTIFY_SOCKET</c> of the
/// environment this process was started with; nothing here changes it.
/// </summary>
public static class Notify
{
    /// <summary>False if there is no socket to send to.</summary>
    /// <param name="state">Assignments, one a line, for example <c>READY=1\nMAINPID=4711</c>.</param>
    /// <exception cref="LinuxException">There is a socket, and it could not be sent to.</exception>
    public static bool Send(string state) => LibSystemd.SendState(state);

    /// <summary>
    /// Waits until the manager has read all that was sent before. Whoever sends and then ends needs it: the manager
    /// learns the sender's unit from its process, and that one must still be there. False if there is no socket.
    /// </summary>
    /// <exception cref="LinuxException">ETIMEDOUT, and others.</exception>
    public static bool Barrier(TimeSpan timeout) => LibSystemd.AwaitStatesRead(timeout);
}
