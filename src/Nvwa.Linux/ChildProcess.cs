using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// A child of this process. It is reaped by <see cref="WaitAsync"/> and by nothing else: until then its PID cannot be
/// given to another process. Disposing does not kill it.
/// </summary>
public sealed class ChildProcess : IDisposable
{
    private readonly SafeFileHandle _pidfd;
    private readonly Lock _reaping = new();
    private int? _status;

    internal ChildProcess(int pid)
    {
        Pid = pid;
        try
        {
            _pidfd = Libc.OpenPidfd(pid) ?? throw new LinuxException("pidfd_open", $"{pid}", Errno.ESRCH);
        }
        catch (LinuxException)
        {
            // Without a descriptor (EMFILE) nobody could stop it or wait for it.
            Libc.KillUnreaped(pid);
            throw;
        }
    }

    public int Pid { get; }

    /// <summary>See pidfd_open(2). Belongs to this object.</summary>
    public SafeFileHandle Pidfd => _pidfd;

    internal Libc.PollEntry PollEntry => new((int)_pidfd.DangerousGetHandle());

    /// <summary>
    /// Waits, on a thread of its own, for the child's end: its exit code, or 128 + the signal that ended it. May be
    /// called more than once.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the child goes on.</exception>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await Linux.Pidfd.WaitAsync(_pidfd, cancellationToken).ConfigureAwait(false);
        return Reap();
    }

    /// <summary>False if it has ended and been reaped.</summary>
    /// <param name="signal">A number: see signal(7).</param>
    public bool Signal(int signal)
    {
        lock (_reaping)
        {
            return _status is null && Libc.SendSignal(_pidfd, signal, Pid);
        }
    }

    /// <summary>Ends it, whatever it does. False if it has ended and been reaped.</summary>
    public bool Kill() => Signal(Libc.SIGKILL);

    public void Dispose() => _pidfd.Dispose();

    /// <summary>Blocks until the child has ended.</summary>
    internal int Reap()
    {
        lock (_reaping)
        {
            _status ??= Libc.Reap(_pidfd, Pid);
            return _status.Value;
        }
    }

    /// <summary>SIGKILL to the child and to the group that it leads.</summary>
    internal void KillGroup()
    {
        lock (_reaping)
        {
            if (_status is null)
            {
                Libc.SendSignalToGroup(Pid, Libc.SIGKILL);
                Libc.SendSignal(_pidfd, Libc.SIGKILL, Pid);
            }
        }
    }
}
