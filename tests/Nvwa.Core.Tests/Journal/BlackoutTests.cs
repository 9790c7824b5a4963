using Nvwa.Core.Journal;

namespace Nvwa.Core.Tests.Journal;

public sealed class BlackoutTests
{
    private const long Second = 1_000_000_000;
    private const long Millisecond = 1_000_000;

    /// <summary>What really happened, on the clock of the old boot: the new one's began 106.5 s into it.</summary>
    private const long NewZero = (106 * Second) + (500 * Millisecond);

    private static readonly (string, long)[] Truth =
    [
        ("freeze", 250), ("dump", 1750), ("sync", 1000), ("jump", 3500), ("boot", 8000), ("restore", 750),
    ];

    [Fact]
    public void The_hardware_clock_tells_each_part_exactly()
    {
        // Realtime was set by an hour at boot; it must not matter.
        Blackout blackout = Measure(rtc: true, realtimeError: 3600 * Second)!;

        Assert.True(blackout.IsExact);
        Assert.Equal(Truth, blackout.Parts.Select(part => (part.Name, part.Milliseconds)));
        Assert.Equal(15_250, blackout.Milliseconds);
    }

    [Fact]
    public void Without_a_hardware_clock_realtime_has_to_do()
    {
        Blackout blackout = Measure(rtc: false, realtimeError: 0)!;

        Assert.False(blackout.IsExact);
        Assert.Equal(Truth, blackout.Parts.Select(part => (part.Name, part.Milliseconds)));
    }

    [Fact]
    public void An_error_of_realtime_shows_in_the_jump_only()
    {
        Blackout blackout = Measure(rtc: false, realtimeError: -400 * Millisecond)!;

        Assert.Equal(3100, blackout.Parts.Single(part => part.Name == "jump").Milliseconds);
        Assert.Equal(Truth.Where(part => part.Item1 != "jump"), blackout.Parts.Where(part => part.Name != "jump").Select(part => (part.Name, part.Milliseconds)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_parts_add_up_to_the_whole(bool rtc)
    {
        Blackout blackout = Measure(rtc, 123_456_789)!;

        Assert.Equal(blackout.Milliseconds, blackout.Parts.Sum(part => part.Milliseconds));
    }

    [Theory]
    [InlineData(typeof(AllFrozen))]
    [InlineData(typeof(Saved))]
    [InlineData(typeof(Committed))]
    [InlineData(typeof(Attempted))]
    [InlineData(typeof(Restored))]
    public void Without_one_of_its_moments_nothing_is_measured(Type missing)
    {
        UpdateState state = UpdateState.Of(Story(rtc: true, 0).Where(record => record.GetType() != missing))!;

        Assert.Null(Blackout.Of(state, state.Find("redis.service")!));
    }

    [Fact]
    public void Until_the_update_is_closed_the_hardware_clock_was_read_only_once_and_the_measure_is_not_exact()
    {
        UpdateState state = UpdateState.Of(Story(rtc: true, 0).Where(record => record is not Closed))!;

        Blackout blackout = Blackout.Of(state, state.Find("redis.service")!)!;

        Assert.False(blackout.IsExact);
        Assert.Equal(15_250, blackout.Milliseconds);
    }

    [Fact]
    public void A_second_attempt_makes_the_boot_longer_not_the_restore()
    {
        JournalRecord[] story = [.. Story(rtc: true, 0)];
        int first = Array.FindIndex(story, record => record is Attempted);
        UpdateState state = UpdateState.Of(
            [.. story[..first], new Attempted("redis.service", Records.NewBoot, New(5 * Second, 0)), .. story[first..]])!;

        Assert.Equal(750, Blackout.Of(state, state.Find("redis.service")!)!.Parts[^1].Milliseconds);
    }

    /// <summary>What else is frozen meanwhile is none of its pause.</summary>
    [Fact]
    public void The_pause_of_a_virtual_machine_begins_when_QEMU_says_that_it_stopped()
    {
        UpdateState state = UpdateState.Of(Story(rtc: true, 0).Select(record => record is Saved saved ? saved with { Stopped = Old(101 * Second) } : record))!;

        Blackout blackout = Blackout.Of(state, state.Find("redis.service")!)!;

        Assert.Equal([("freeze", 0), ("dump", 1000), .. Truth[2..]], blackout.Parts.Select(part => (part.Name, part.Milliseconds)));
        Assert.Equal(14_250, blackout.Milliseconds);
    }

    private static Blackout? Measure(bool rtc, long realtimeError)
    {
        UpdateState state = UpdateState.Of(Story(rtc, realtimeError))!;
        return Blackout.Of(state, state.Find("redis.service")!);
    }

    private static IEnumerable<JournalRecord> Story(bool rtc, long realtimeError) =>
    [
        Records.Opened,
        // A tick at 40 s of the old boot, and one 81 s later: 14.5 s after the new boot's zero.
        new Planned([Records.Redis], [], rtc ? new RtcTick(5000, 40 * Second) : null),
        new AllFrozen(Old(100 * Second), Old((100 * Second) + (250 * Millisecond))),
        new Saved("redis.service", 1, Old(102 * Second)),
        new Committed(Old(103 * Second)),
        new Attempted("redis.service", Records.NewBoot, New(8 * Second, realtimeError)),
        new Resuming("redis.service", Records.NewBoot, New((8 * Second) + (700 * Millisecond), realtimeError)),
        new Restored("redis.service", 612, New((8 * Second) + (750 * Millisecond), realtimeError)),
        new Closed(Outcome.Updated, rtc ? new RtcTick(5081, (14 * Second) + (500 * Millisecond)) : null, New(20 * Second, realtimeError)),
    ];

    private static Stamp Old(long boottime) => new(boottime, Epoch + boottime);

    private static Stamp New(long boottime, long realtimeError) => new(boottime, Epoch + NewZero + boottime + realtimeError);

    private const long Epoch = 1_795_253_400 * Second;
}
