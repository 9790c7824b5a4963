using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Restore;

namespace Nvwa.Tests.Restore;

public sealed class EarlyBootTests
{
    [Fact]
    public void At_a_cold_boot_pids_are_given_out_away_from_the_saved_ones()
    {
        PidBand band = EarlyBoot.BandToSet(Updates.After(), Updates.NewBoot, "root=/dev/vda1", lastPid: 140)!;

        Assert.All(
            Updates.After().Workloads.SelectMany(workload => workload.Workload.Numbers),
            number => Assert.False(number > band.Start && number < band.Start + band.Length));
        Assert.Equal(1800, band.Start);
    }

    [Fact]
    public void After_a_switch_the_command_line_has_done_it() =>
        Assert.Null(EarlyBoot.BandToSet(Updates.After(), Updates.NewBoot, $"root=/dev/vda1 nvwa.update={Updates.Id}", lastPid: 140));

    /// <summary>The generator runs at each daemon-reload.</summary>
    [Fact]
    public void It_is_done_once() =>
        Assert.Null(EarlyBoot.BandToSet(Updates.After(), Updates.NewBoot, "", lastPid: 2500));

    [Fact]
    public void Where_nothing_is_to_be_restored_nothing_is_done()
    {
        Assert.Null(EarlyBoot.BandToSet(null, Updates.NewBoot, "", lastPid: 140));
        Assert.Null(EarlyBoot.BandToSet(Updates.After(), Updates.OldBoot, "", lastPid: 140));
        Assert.Null(EarlyBoot.BandToSet(Updates.After(new Revoked("x")), Updates.NewBoot, "", lastPid: 140));
    }
}
