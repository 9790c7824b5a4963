using System.Globalization;

namespace Nvwa.Linux;

/// <summary>
/// The clock that runs on through kexec. A new kernel takes its wall clock from the RTC's whole seconds, so the wall
/// clock cannot measure a blackout of seconds; but the moment when the RTC begins a second can be seen to about a
/// millisecond on both sides, and that puts the boot clocks of both kernels on one line.
/// </summary>
/// <remarks>
/// Whoever sets the RTC between two readings (hwclock, the kernel's own update every eleven minutes under NTP) shifts
/// the line by as much.
/// </remarks>
public static class RtcClock
{
    private const string SecondsFile = "/sys/class/rtc/rtc0/since_epoch";
    private const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly TimeSpan EdgeDeadline = TimeSpan.FromMilliseconds(1100);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Waits for the next second of the RTC, at most 1.1 s, on a thread of its own. Null if there is no RTC, or it
    /// stands still.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<RtcReading?> MeasureAsync(CancellationToken cancellationToken) =>
        Background.RunAsync(() => Measure(ReadSeconds, cancellationToken));

    /// <summary>
    /// Time from a moment under the old kernel to a moment under the new one: about a millisecond's error.
    /// </summary>
    /// <param name="oldReading">Taken under the old kernel.</param>
    /// <param name="oldBoottime">A moment under the old kernel, <see cref="Clocks.Boottime"/>: before or after the
    /// reading.</param>
    /// <param name="newReading">Taken under the new kernel.</param>
    /// <param name="newBoottime">A moment under the new kernel.</param>
    public static TimeSpan Between(RtcReading oldReading, long oldBoottime, RtcReading newReading, long newBoottime)
    {
        long nanoseconds = ((newReading.RtcSeconds - oldReading.RtcSeconds) * NanosecondsPerSecond)
            + (newBoottime - newReading.BoottimeNanoseconds)
            - (oldBoottime - oldReading.BoottimeNanoseconds);
        return TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
    }

    /// <summary>
    /// Looks once a millisecond. The device's update interrupt (RTC_UIE_ON) would save the looking, but where the HPET
    /// stands in for it, it comes up to 16 ms late, and hwclock or a time daemon may have the device. A look itself can
    /// take long, as the RTC is not read while it changes, so the stamp is the middle of it.
    /// </summary>
    internal static RtcReading? Measure(Func<long?> readSeconds, CancellationToken cancellationToken)
    {
        using Interruption interruption = new(cancellationToken);
        Deadline deadline = new(EdgeDeadline);
        long? first = readSeconds();
        while (first is not null && deadline.RemainingMilliseconds > 0)
        {
            long before = Clocks.Boottime();
            long? seconds = readSeconds();
            long after = Clocks.Boottime();
            if (seconds is null)
            {
                return null;
            }

            if (seconds > first)
            {
                return new RtcReading(seconds.Value, before + ((after - before) / 2));
            }

            Span<Libc.PollEntry> entries = [new((int)interruption.Handle.DangerousGetHandle())];
            if (Libc.Poll(entries, new Deadline(LookInterval)))
            {
                throw new OperationCanceledException(cancellationToken);
            }
        }

        return null;
    }

    private static long? ReadSeconds() =>
        long.TryParse(Proc.TryReadText(SecondsFile), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            ? seconds
            : null;
}
