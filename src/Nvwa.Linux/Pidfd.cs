using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// Processes held by descriptor, so that a PID that was given out again cannot be mistaken: pidfd_open(2).
/// </summary>
public static class Pidfd
{
    /// <summary>Null if there is no such process.</summary>
    public static SafeFileHandle? Open(int pid) => Libc.OpenPidfd(pid);

    /// <summary>
    /// A duplicate of one of the process's descriptors (pidfd_getfd(2)): the same open file, whether the process is stopped or
    /// not. Null if either is gone.
    /// </summary>
    public static SafeFileHandle? Descriptor(SafeHandle pidfd, int fd) => Libc.DuplicateOf(pidfd, fd);

    /// <summary>False if the process has ended and been reaped.</summary>
    /// <param name="pidfd">From <see cref="Open"/>.</param>
    /// <param name="signal">A number: see signal(7); 0 only asks.</param>
    public static bool Signal(SafeHandle pidfd, int signal)
    {
        using Borrowed borrowed = new(pidfd);
        return Libc.SendSignal(pidfd, signal, borrowed.Descriptor);
    }

    /// <summary>Ends it, whatever it does. False if it has ended and been reaped.</summary>
    public static bool Kill(SafeHandle pidfd) => Signal(pidfd, Libc.SIGKILL);

    /// <summary>Waits for the process's end, on a thread of its own. It need not be a child of ours.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task WaitAsync(SafeHandle pidfd, CancellationToken cancellationToken) =>
        Background.RunAsync(() => Wait(pidfd, cancellationToken));

    private static void Wait(SafeHandle pidfd, CancellationToken cancellationToken)
    {
        using Borrowed borrowed = new(pidfd);
        using Interruption interruption = new(cancellationToken);
        Span<Libc.PollEntry> entries =
        [
            new(borrowed.Descriptor), new((int)interruption.Handle.DangerousGetHandle()),
        ];
        Libc.Poll(entries, Deadline.None);
        if (!entries[0].IsReady)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }
}
