namespace Nvwa.Linux.Tests;

public sealed class RtcClockTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void Clocks_go_forward_in_nanoseconds()
    {
        long first = Clocks.Boottime();

        Assert.InRange(Clocks.Boottime() - first, 0, 10 * Second);
        Assert.InRange(Clocks.Boottime() - Clocks.Monotonic(), -Second, long.MaxValue);
        Assert.InRange(
            Clocks.Realtime() - (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000), 0, 10 * Second);
    }

    [Fact]
    public void A_blackout_across_two_boots_is_measured_on_one_line()
    {
        // The old kernel saw RTC second 1000 begin at 50 s of its clock; the new one second 1020 at 12 s of its own.
        RtcReading old = new(1000, 50 * Second);
        RtcReading fresh = new(1020, 12 * Second);

        // Stopped 3.5 s after the old reading, back 2 s before the new one: 20 - 3.5 - 2.
        TimeSpan blackout = RtcClock.Between(old, (53 * Second) + (Second / 2), fresh, 10 * Second);

        Assert.Equal(TimeSpan.FromSeconds(14.5), blackout);
    }

    [Fact]
    public void The_edge_is_where_the_seconds_change()
    {
        Queue<long?> seconds = new([100, 100, 100, 101]);
        long before = Clocks.Boottime();

        RtcReading? reading = RtcClock.Measure(seconds.Dequeue, CancellationToken.None);

        Assert.NotNull(reading);
        Assert.Equal(101, reading.Value.RtcSeconds);
        Assert.InRange(reading.Value.BoottimeNanoseconds, before, Clocks.Boottime());
    }

    [Fact]
    public void A_clock_that_goes_away_is_no_clock()
    {
        Queue<long?> seconds = new([100, null]);

        Assert.Null(RtcClock.Measure(seconds.Dequeue, CancellationToken.None));
    }

    [Fact]
    public void A_clock_that_stands_still_is_no_clock() =>
        Assert.Null(RtcClock.Measure(() => 100, CancellationToken.None));

    [Fact]
    public void Looking_can_be_cancelled()
    {
        using CancellationTokenSource source = new();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => RtcClock.Measure(() => 100, source.Token));
    }

    [Fact]
    public async Task A_machine_with_a_clock_gives_a_reading_and_one_without_gives_none()
    {
        RtcReading? reading = await RtcClock.MeasureAsync(CancellationToken.None);

        Assert.Equal(File.Exists("/sys/class/rtc/rtc0/since_epoch"), reading is not null);
    }
}
