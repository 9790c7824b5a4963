using System.Diagnostics;

namespace Nvwa.Linux;

/// <summary>A moment on the monotonic clock, for waits that the kernel does.</summary>
internal readonly struct Deadline
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TimeSpan _span;

    /// <param name="span">From now; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    public Deadline(TimeSpan span) => _span = span;

    public static Deadline None => new(Timeout.InfiniteTimeSpan);

    /// <summary>
    /// Rounded up, so that a wait does not spin in its last millisecond; -1 for ever, as poll(2) has it.
    /// </summary>
    public int RemainingMilliseconds
    {
        get
        {
            if (_span == Timeout.InfiniteTimeSpan)
            {
                return -1;
            }

            double left = Math.Ceiling((_span - Stopwatch.GetElapsedTime(_start)).TotalMilliseconds);
            return (int)Math.Clamp(left, 0, int.MaxValue);
        }
    }
}
