namespace Nvwa.Core.Journal;

/// <summary>A named part of a blackout.</summary>
/// <param name="Name">As it stands in tables and JSON.</param>
/// <param name="Milliseconds">Its length.</param>
public sealed record BlackoutPart(string Name, long Milliseconds);

/// <summary>
/// How long a workload did not run, and where the time went. The parts follow each other without a gap:
/// <c>freeze</c>, <c>dump</c>, <c>sync</c> (other dumps, file systems, commit), <c>jump</c> (purgatory to the kernel's
/// clock), <c>boot</c> (kernel and user space up to the restore), <c>restore</c>.
/// </summary>
/// <param name="Milliseconds">The sum of the parts.</param>
/// <param name="Parts">In order.</param>
/// <param name="IsExact">
/// False where there was no hardware clock to measure by: CLOCK_REALTIME then carries up to a second of error.
/// </param>
public sealed record Blackout(long Milliseconds, IReadOnlyList<BlackoutPart> Parts, bool IsExact)
{
    /// <returns>Null while the journal does not hold all the moments.</returns>
    public static Blackout? Of(UpdateState update, WorkloadState workload)
    {
        if (update.Freeze is not { } freeze || update.Commit is not { } commit
            || workload is not { SavedAt: { } saved, AttemptedAt: { } attempted, RestoredAt: { } resumed })
        {
            return null;
        }

        bool exact = update is { OldRtc: not null, End.Rtc: not null };
        long newZero = NewBootOnOldClock(update, commit.At, attempted);
        (string Name, long Until)[] marks =
        [
            // QEMU tells when a virtual machine had stopped, and nothing of the time before.
            ("freeze", (workload.StoppedAt ?? freeze.At).Boottime),
            ("dump", saved.Boottime),
            ("sync", commit.At.Boottime),
            ("jump", newZero),
            ("boot", newZero + attempted.Boottime),
            ("restore", newZero + resumed.Boottime),
        ];
        var parts = new List<BlackoutPart>();
        long from = (workload.StoppedAt ?? freeze.Began).Boottime;
        foreach ((string name, long until) in marks)
        {
            parts.Add(new BlackoutPart(name, (until - from) / 1_000_000));
            from = until;
        }

        return new Blackout(parts.Sum(part => part.Milliseconds), parts, exact);
    }

    /// <summary>Zero of the new boot's CLOCK_BOOTTIME, on the scale of the old boot's; nanoseconds.</summary>
    private static long NewBootOnOldClock(UpdateState update, Stamp oldStamp, Stamp newStamp)
    {
        if (update is { OldRtc: { } before, End.Rtc: { } after })
        {
            return before.Boottime + ((after.Seconds - before.Seconds) * 1_000_000_000) - after.Boottime;
        }

        return oldStamp.Boottime + (newStamp.Realtime - oldStamp.Realtime) - newStamp.Boottime;
    }
}
