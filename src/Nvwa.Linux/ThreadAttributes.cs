using System.Globalization;

namespace Nvwa.Linux;

/// <summary>How the kernel treats a thread, beyond what a dump of it has.</summary>
/// <param name="Processors">Those it may run on, as <c>0-3,8</c>.</param>
/// <param name="IoPriority">Class and level, ioprio_get(2); 0 where it has none of its own.</param>
/// <param name="TimerSlack">How late its timers may be, in nanoseconds; 0 for realtime threads.</param>
public sealed record ThreadAttributes(string Processors, long IoPriority, long TimerSlack)
{
    /// <summary>Null if it is gone, or may not be looked at.</summary>
    public static ThreadAttributes? Of(int thread)
    {
        const string Field = "Cpus_allowed_list:";
        return Proc.TryReadLines($"/proc/{thread}/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) is { } processors
            && Proc.TryReadText($"/proc/{thread}/timerslack_ns") is { } slack
                ? new ThreadAttributes(processors[Field.Length..].Trim(), Libc.IoPriority(thread), long.Parse(slack, CultureInfo.InvariantCulture))
                : null;
    }
}
