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

    /// <inheritdoc cref="IoPriority"/>
    public static long IoPriorityOf(int thread) => Libc.IoPriority(thread);

    /// <param name="thread">Of any process.</param>
    /// <param name="processors">As <c>0-3,8</c>; those that the host has not are left out: sched_setaffinity(2).</param>
    /// <exception cref="LinuxException">It has none of them (EINVAL), or the thread is gone.</exception>
    public static void SetProcessors(int thread, string processors)
    {
        int[] numbers =
        [
            .. processors.Split(',')
                .Select(range => range.Split('-'))
                .Select(range => (First: int.Parse(range[0], CultureInfo.InvariantCulture), Last: int.Parse(range[^1], CultureInfo.InvariantCulture)))
                .SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)),
        ];
        byte[] mask = new byte[(numbers.Max() / 64 + 1) * sizeof(ulong)];
        Array.ForEach(numbers, number => mask[number / 8] |= (byte)(1 << (number % 8)));
        Libc.SetAffinity(thread, mask, processors);
    }

    /// <exception cref="LinuxException">The thread is gone.</exception>
    public static void SetIoPriority(int thread, long priority) => Libc.SetIoPriority(thread, priority);

    /// <exception cref="LinuxException">The thread is gone.</exception>
    public static void SetTimerSlack(int thread, long nanoseconds) =>
        KernelFile.Write($"/proc/{thread}/timerslack_ns", nanoseconds.ToString(CultureInfo.InvariantCulture));
}
