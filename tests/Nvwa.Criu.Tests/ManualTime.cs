namespace Nvwa.Criu.Tests;

/// <summary>A clock whose timers expire when a test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(() => callback(state), dueTime);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Lets every timer expire that was set to this time.</summary>
    public void Expire(TimeSpan dueTime) =>
        _timers.FindAll(timer => timer.DueTime == dueTime).ForEach(timer => timer.Fire());

    private sealed class ManualTimer(Action fire, TimeSpan dueTime) : ITimer
    {
        public TimeSpan DueTime { get; private set; } = dueTime;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            DueTime = dueTime;
            return true;
        }

        public void Dispose() => DueTime = Timeout.InfiniteTimeSpan;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
