namespace Nvwa.Linux;

/// <summary>
/// A child whose two output pipes are read by one thread, which waits for the pipes, for the child's end, for the
/// cancellation and for the deadline in one poll(2). It ends with the child and not with the pipes: a daemon that the
/// child leaves behind may hold them for ever.
/// </summary>
internal sealed class CapturedChild : IDisposable
{
    /// <summary>
    /// More than a pipe can hold (/proc/sys/fs/pipe-max-size): what the child wrote before it ended fits.
    /// </summary>
    private const int PipeCapacity = 1 << 20;

    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(5);

    private readonly SpawnRequest _request;
    private readonly Deadline _deadline;
    private readonly CapturedPipe _output;
    private readonly CapturedPipe _error;
    private ChildProcess? _child;

    public CapturedChild(SpawnRequest request, TimeSpan deadline)
    {
        _request = request;
        _deadline = new Deadline(deadline);
        _output = new CapturedPipe(request.OutputLimit);
        _error = new CapturedPipe(request.OutputLimit);
    }

    /// <summary>
    /// Starts the child on the calling thread, whose namespaces it gets; the rest is done by another.
    /// </summary>
    public Task<SpawnResult> RunAsync(CancellationToken cancellationToken)
    {
        ChildProcess child = Spawn.Start(_request with
        {
            Family = _request.Family == SpawnFamily.Ours ? SpawnFamily.OwnGroup : _request.Family,
            Inherit = [.. _request.Inherit, new(_output.Writer, 1), new(_error.Writer, 2)],
        });
        _child = child;
        _output.Writer.Dispose();
        _error.Writer.Dispose();
        return Background.RunAsync(() => Run(child, cancellationToken));
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
        _child?.Dispose();
    }

    private SpawnResult Run(ChildProcess child, CancellationToken cancellationToken)
    {
        using Interruption interruption = new(cancellationToken);
        while (true)
        {
            Span<Libc.PollEntry> entries =
            [
                _output.PollEntry, _error.PollEntry, child.PollEntry, new((int)interruption.Handle.DangerousGetHandle()),
            ];
            if (!Libc.Poll(entries, _deadline))
            {
                Kill(child);
                throw new LinuxException("run", _request.File, Errno.ETIMEDOUT, "killed at its deadline");
            }

            if (entries[3].IsReady)
            {
                Kill(child);
                throw new OperationCanceledException(cancellationToken);
            }

            _output.ReadIf(entries[0].IsReady);
            _error.ReadIf(entries[1].IsReady);
            if (entries[2].IsReady)
            {
                return Finish(child);
            }
        }
    }

    private SpawnResult Finish(ChildProcess child)
    {
        _output.Drain(PipeCapacity);
        _error.Drain(PipeCapacity);
        return new SpawnResult(child.Reap(), _output.Text, _error.Text) { IsCut = _output.IsCut || _error.IsCut };
    }

    /// <summary>A child in an uninterruptible wait does not die of SIGKILL at once: it is then left to init.</summary>
    private static void Kill(ChildProcess child)
    {
        child.KillGroup();
        Span<Libc.PollEntry> entries = [child.PollEntry];
        if (Libc.Poll(entries, new Deadline(KillDeadline)))
        {
            child.Reap();
        }
    }
}
