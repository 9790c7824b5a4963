namespace Nvwa.Tests.Simulation;

/// <summary>
/// Runs everything that is asynchronous on one thread, in an order that one seed decides. Time passes only when nothing else
/// can be done.
/// </summary>
internal sealed class SimulatedTime(Random random) : SynchronizationContext
{
    /// <summary>A run that takes more steps turns in a circle.</summary>
    private const int MaxSteps = 100_000;

    private readonly List<(SendOrPostCallback Work, object? State)> _ready = [];
    private readonly PriorityQueue<TaskCompletionSource, (long Due, int Order)> _timers = new();
    private int _timersSet;

    /// <summary>Nanoseconds since the simulation began.</summary>
    public long Now { get; private set; }

    public override void Post(SendOrPostCallback d, object? state) => _ready.Add((d, state));

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Lets others go first.</summary>
    public Task Yield()
    {
        var turn = new TaskCompletionSource();
        Post(_ => turn.TrySetResult(), null);
        return turn.Task;
    }

    public async Task PauseAsync(TimeSpan length, CancellationToken cancellation)
    {
        var end = new TaskCompletionSource();
        _timers.Enqueue(end, (Now + (length.Ticks * 100), _timersSet++));
        await using CancellationTokenRegistration registration = cancellation.Register(() => Post(_ => end.TrySetCanceled(cancellation), null));
        await end.Task;
    }

    /// <summary>Until nothing is left to do.</summary>
    public void Run()
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            for (int step = 0; RunOne(); step++)
            {
                if (step > MaxSteps)
                {
                    throw new InvalidOperationException("the simulation does not come to rest");
                }
            }
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private bool RunOne()
    {
        if (_ready.Count > 0)
        {
            int next = random.Next(_ready.Count);
            (SendOrPostCallback work, object? state) = _ready[next];
            _ready[next] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            work(state);
            return true;
        }

        if (_timers.TryDequeue(out TaskCompletionSource? timer, out (long Due, int Order) at))
        {
            Now = Math.Max(Now, at.Due);
            timer.TrySetResult();
            return true;
        }

        return false;
    }
}
