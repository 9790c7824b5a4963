using Microsoft.Win32.SafeHandles;
using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>Another QEMU under a guest that counts, while the kernel stays: by each mode, and what becomes of it when something fails.</summary>
public sealed class LiveUpdates
{
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.File)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprTransfer, Memory.Memfd)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprTransfer, Memory.File)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.File)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprReboot, Memory.File)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprReboot, Memory.Private)]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.File)]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private)]
    public async Task A_machine_goes_on_in_the_newest_QEMU(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        LiveUpdateReport report = await subject.UpdateAsync(mode, await ProgramAsync(LabQemus.TrixieBackports));

        Assert.Equal((mode, 11, 1), (report.Mode, report.Version.Major, report.Version.Minor));
        Assert.Empty(report.Setbacks);
        Assert.InRange(report.Blackout!.Value, TimeSpan.Zero, StepTimeout);
        Assert.True(report.Stopped <= report.Saved && report.Saved <= report.Loaded && report.Loaded <= report.Resumed);
        await subject.GoesOnAsync("running");
        Assert.Equal(mode == MigrationMode.CprExec, subject.Machine.Processes().Contains(subject.Machine.Pid));
        Assert.Single(subject.Machine.Processes());
        Assert.Empty(Directory.GetFiles(subject.Machine.Directory, "state*"));
    }

    [Theory]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprTransfer, Memory.Memfd)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.File)]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private)]
    public async Task One_that_was_paused_stays_so(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        await subject.TellAsync("stop");
        int stands = await subject.Machine.VerifyAsync();
        LiveUpdateReport report = await subject.UpdateAsync(mode, await ProgramAsync(LabQemus.TrixieBackports));

        Assert.Equal((null, null), (report.Stopped, report.Resumed));
        await subject.GoesOnAsync("paused");
        Assert.Equal(stands, await subject.Machine.VerifyAsync());
        await subject.TellAsync("cont");
        await subject.GoesOnAsync("running");
    }

    [Fact]
    public async Task One_that_was_paused_is_taken_back_so_and_can_be_saved_again()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.File);
        await subject.TellAsync("stop");
        await using (QemuInstance qemu = await subject.ConnectAsync())
        {
            using SafeFileHandle file = StateFile.Create(subject.StateFile);
            _ = await Migration.SaveAsync(
                qemu.Qmp, qemu.Features, new MigrationOptions(MigrationMode.CprReboot, LeavesShared: true), file, direct: null, StepTimeout);
            await Migration.GoOnAsync(qemu.Qmp, qemu.Features, isLive: false, StepTimeout);
        }

        File.Delete(subject.StateFile);
        await subject.GoesOnAsync("paused");
        _ = await subject.UpdateAsync(MigrationMode.CprReboot, await ProgramAsync(LabQemus.TrixieBackports));
        await subject.GoesOnAsync("paused");
        await subject.TellAsync("cont");
        await subject.GoesOnAsync("running");
    }

    [Fact]
    public async Task Three_updates_in_a_row_leave_one_pin_and_one_beginning()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        string program = await ProgramAsync(LabQemus.TrixieBackports);
        foreach (MigrationMode mode in (MigrationMode[])[MigrationMode.CprExec, MigrationMode.CprExec, MigrationMode.CprReboot])
        {
            _ = await subject.UpdateAsync(mode, program);
        }

        await subject.GoesOnAsync("running");
        IReadOnlyList<string> arguments = QemuInstance.CommandLineOf(Assert.Single(subject.Machine.Processes()))!.Arguments;
        Assert.Single(arguments, argument => argument == "-incoming");
        Assert.Single(arguments, argument => argument == "-S");
        Assert.True(arguments.Count <= subject.Machine.Arguments.Count + 1 + 5);
    }

    [Theory]
    [InlineData(Memory.Private, "is private")]
    [InlineData(Memory.File, "without -machine aux-ram-share=on")]
    public async Task Memory_that_cannot_be_handed_over_is_seen_before(Memory memory, string said)
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, memory, sharesRest: false);
        await using QemuInstance qemu = await subject.ConnectAsync();
        Assert.Contains(said, LiveUpdate.Obstacle(qemu, MigrationMode.CprExec), StringComparison.Ordinal);
        Assert.Contains(said, LiveUpdate.Obstacle(qemu, MigrationMode.CprTransfer), StringComparison.Ordinal);
        Assert.Equal(MigrationMode.CprReboot, LiveUpdate.Best(qemu, mayTransfer: true));
    }

    [Fact]
    public async Task The_best_mode_is_that_with_the_least_blackout()
    {
        await using Subject newest = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        await using QemuInstance qemu = await newest.ConnectAsync();
        Assert.Equal(MigrationMode.CprExec, LiveUpdate.Best(qemu, mayTransfer: true));
        await using Subject older = await Subject.StartAsync(LabQemus.Trixie, Memory.Memfd);
        await using QemuInstance second = await older.ConnectAsync();
        Assert.Equal(MigrationMode.CprTransfer, LiveUpdate.Best(second, mayTransfer: true));
        Assert.Equal(MigrationMode.CprReboot, LiveUpdate.Best(second, mayTransfer: false));
        await using Subject oldest = await Subject.StartAsync(LabQemus.Bookworm, Memory.File);
        await using QemuInstance third = await oldest.ConnectAsync();
        Assert.Equal(MigrationMode.Normal, LiveUpdate.Best(third, mayTransfer: true));
    }

    private static async Task<string> ProgramAsync(string version) => (await LabPackage.LocateQemusAsync()).Program(version);
}
