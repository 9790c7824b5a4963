using Nvwa.Hosts;

namespace Nvwa.Tests.Hosts;

public sealed class SilenceTests
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task What_grows_now_and_then_is_waited_for_and_what_stands_still_is_not()
    {
        var clock = new ManualTime();
        long size = 0;
        Task silence = Silence.OfAsync(() => size, 24 * Look, clock, CancellationToken.None);

        for (int looks = 0; looks < 100; looks++)
        {
            size += looks % 20 == 0 ? 1 : 0;
            await LookAsync(clock);
        }

        Assert.False(silence.IsCompleted);
        size++;
        for (int looks = 0; looks < 25; looks++)
        {
            Assert.False(silence.IsCompleted);
            await LookAsync(clock);
        }

        await silence.Soonest();
    }

    [Fact]
    public async Task The_watch_ends_with_what_it_watches()
    {
        using var ended = new CancellationTokenSource();
        Task silence = Silence.OfAsync(() => 0, 24 * Look, new ManualTime(), ended.Token);
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(silence.Soonest);
    }

    private static async Task LookAsync(ManualTime clock)
    {
        Assert.Equal(Look, await clock.StartedAsync());
        clock.Advance(Look);
    }
}
