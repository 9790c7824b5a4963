namespace Nvwa.Lab.Clients;

/// <summary>What a client that never stopped asking has seen.</summary>
/// <param name="Replies">Right answers.</param>
/// <param name="LongestGap">The longest time between two right answers: the blackout as this client felt it.</param>
/// <param name="LongestGapStart">When that gap began, on the client's monotonic clock from its start.</param>
/// <param name="ReplyTimes">Each right answer, on the same clock.</param>
/// <param name="Violation">The first thing that must not happen, or null. The client stopped there: it never connects again.</param>
public sealed record SteadyReport(
    long Replies, TimeSpan LongestGap, TimeSpan LongestGapStart, IReadOnlyList<TimeSpan> ReplyTimes, string? Violation)
{
    /// <summary>Throws what went wrong, if anything did or if there was no answer at all.</summary>
    /// <exception cref="LabException">The report has a violation, or no replies.</exception>
    public void Verify()
    {
        if (Violation is not null || Replies == 0)
        {
            throw new LabException($"{Violation ?? "nothing was ever answered"} (after {Replies} right answers)");
        }
    }

    internal static SteadyReport From(IReadOnlyList<TimeSpan> replyTimes, string? violation)
    {
        int widest = 0;
        for (int i = 1; i < replyTimes.Count; i++)
        {
            if (Gap(replyTimes, i) > Gap(replyTimes, widest))
            {
                widest = i;
            }
        }

        TimeSpan start = widest == 0 ? TimeSpan.Zero : replyTimes[widest - 1];
        return new SteadyReport(replyTimes.Count, Gap(replyTimes, widest), start, replyTimes, violation);
    }

    private static TimeSpan Gap(IReadOnlyList<TimeSpan> times, int i) =>
        i == 0 ? TimeSpan.Zero : times[i] - times[i - 1];
}
