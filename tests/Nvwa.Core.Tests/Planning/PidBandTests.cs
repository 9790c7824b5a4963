using Nvwa.Core.Planning;

namespace Nvwa.Core.Tests.Planning;

public sealed class PidBandTests
{
    /// <summary>As pid.c has it: a wrapped counter starts here again.</summary>
    private const int Reserved = 300;

    [Fact]
    public void With_nothing_saved_all_numbers_above_the_reserved_ones_are_free() =>
        Assert.Equal(new PidBand(Reserved, PidBand.Limit - Reserved - 1, PidBand.Limit), PidBand.Choose([]));

    [Fact]
    public void The_limit_is_that_of_64_bit_kernels() => Assert.Equal(4194304, PidBand.Limit);

    [Fact]
    public void Above_low_numbers_everything_is_free() =>
        Assert.Equal(new PidBand(900, PidBand.Limit - 901, PidBand.Limit), PidBand.Choose([450, 900, 451]));

    [Fact]
    public void Numbers_that_user_space_never_gets_again_do_not_count() =>
        Assert.Equal(PidBand.Choose([]), PidBand.Choose([1, 2, 17, 299, 300]));

    [Fact]
    public void The_range_below_is_taken_where_it_is_larger() =>
        Assert.Equal(new PidBand(Reserved, 4_000_000 - Reserved - 1, PidBand.Limit), PidBand.Choose([4_000_000, 4_000_001]));

    [Fact]
    public void The_range_in_the_middle_is_taken_where_it_is_the_largest() =>
        Assert.Equal(new PidBand(700, 4_100_000 - 701, PidBand.Limit), PidBand.Choose([4_100_000, 700, 700, 500]));

    [Fact]
    public void The_start_itself_may_be_a_saved_number_for_the_first_new_process_gets_the_next() =>
        Assert.Equal(701, PidBand.Choose([700]).Start + 1);

    /// <summary>Three updates in a row; each time a few hundred new processes run beside the saved ones.</summary>
    [Fact]
    public void Update_after_update_finds_room()
    {
        var saved = new HashSet<int> { 612, 640, 641, 655, 1800 };
        for (int update = 0; update < 20; update++)
        {
            var band = PidBand.Choose(saved);
            int[] started = [.. Enumerable.Range(band.Start + 1, 500)];

            Assert.Empty(started.Intersect(saved));
            Assert.True(band.Length > 100_000, $"update {update}: {band}");
            // Some of what the new kernel started is kept by the next update.
            saved.UnionWith([started[10], started[499]]);
        }
    }

    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 5_000)]
    [InlineData(3, 100_000)]
    public void No_saved_number_lies_in_the_range_and_no_other_range_is_larger(uint seed, int count)
    {
        var chance = new Xorshift(seed);
        int[] saved = [.. Enumerable.Range(0, count).Select(_ => 1 + chance.Below(PidBand.Limit - 1))];

        var band = PidBand.Choose(saved);

        Assert.Equal(LargestGap(saved), band.Length);
        Assert.DoesNotContain(saved, number => number > band.Start && number <= band.Start + band.Length);
        Assert.InRange(band.Start + band.Length, band.Start, PidBand.Limit - 1);
    }

    /// <summary>The same, the slow way.</summary>
    private static int LargestGap(int[] saved)
    {
        bool[] taken = new bool[PidBand.Limit];
        foreach (int number in saved)
        {
            taken[number] = true;
        }

        int best = 0;
        int run = 0;
        for (int number = Reserved + 1; number < PidBand.Limit; number++)
        {
            run = taken[number] ? 0 : run + 1;
            best = Math.Max(best, run);
        }

        return best;
    }
}
