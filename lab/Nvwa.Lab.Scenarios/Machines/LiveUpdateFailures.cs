using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Nvwa.Lab.Machines;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>
/// Until the old QEMU is gone whatever fails leaves the machine counting in it, and the next try works. After that the state
/// is given to the old program, too; where nobody takes it, no QEMU is left with half a machine.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class LiveUpdateFailures
{
    private const string GoesOn = "the machine goes on in the QEMU that it had";
    private const string IsLost = "it has to be started anew";

    // Of a state without memory: a description that QEMU does not need is most of the rest.
    private const int Beginning = 10_000;

    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    [Theory]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprTransfer, Memory.Memfd)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private)]
    public async Task A_program_that_is_no_QEMU_is_seen_before(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        (string Program, string Said)[] wrong =
        [
            (Path.Combine(subject.Machine.Directory, "missing"), "cannot be started"),
            (await Impostor.ThatIsTextAsync(subject), "cannot be started"),
            ("/bin/false", "is no QEMU that works"),
            (await Impostor.ThatSleepsAsync(subject), "is no QEMU that works"),
        ];
        foreach ((string program, string said) in wrong)
        {
            MigrationException seen = await Assert.ThrowsAsync<MigrationException>(
                () => QemuProbe.RunAsync(program, subject.Machine.Directory, Short));
            Assert.Contains($"{program} {said}", seen.Message, StringComparison.Ordinal);
            MigrationException refused = await FailsAsync(() => subject.UpdateAsync(mode, program, startTimeout: Short));
            Assert.Equal($"{seen.Message}; {GoesOn}", refused.Message);
        }

        Assert.Empty(subject.Launcher.Started);
        await GoesOnWhereItWasAsync(subject);
        await NextTryWorksAsync(subject, mode);
    }

    /// <summary>QEMU would not look itself: the program that it becomes would not know what it was given.</summary>
    [Theory]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, LabQemus.Trixie)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprTransfer, LabQemus.Bookworm)]
    public async Task A_QEMU_without_the_mode_is_seen_before(string from, MigrationMode mode, string to)
    {
        await using Subject subject = await Subject.StartAsync(from, Memory.Memfd);
        MigrationException refused = await FailsAsync(async () => await subject.UpdateAsync(mode, await Impostor.ProgramAsync(to)));
        Assert.Contains($"has no {mode.Name()}; {GoesOn}", refused.Message, StringComparison.Ordinal);
        await GoesOnWhereItWasAsync(subject);
    }

    [Fact]
    public async Task A_QEMU_that_left_its_parent_does_not_leave_its_process_when_it_is_replaced()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        await subject.Machine.KillAsync();
        File.Delete(subject.Machine.SerialLogPath);
        SpawnResult left = await Spawn.RunAsync(
            new SpawnRequest(subject.Machine.Program, [.. subject.Machine.Arguments, "-daemonize"]), StepTimeout, CancellationToken.None);
        Assert.Equal(0, left.ExitCode);
        int daemon = Assert.Single(subject.Machine.Processes());
        _ = await subject.Machine.WaitForCountsAsync();
        _ = await subject.UpdateAsync(MigrationMode.CprExec, subject.Machine.Program);
        await subject.GoesOnAsync("running");
        Assert.Equal([daemon], subject.Machine.Processes());
    }

    [Fact]
    public async Task The_old_program_gets_the_state_back()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.Trixie, Memory.Private);
        string program = await Impostor.ThatEndsAsync(subject, LabQemus.TrixieBackports);
        LiveUpdateReport report = await subject.UpdateAsync(MigrationMode.CprReboot, program);
        Assert.Equal((10, 0), (report.Version.Major, report.Version.Minor));
        Assert.Equal([program, subject.Machine.Program], subject.Launcher.Started);
        Assert.Equal($"{program}: it ended at once; its own output says why", Assert.Single(report.Setbacks));
        // Nobody waited for an answer of who had ended.
        Assert.InRange(report.Blackout!.Value, TimeSpan.Zero, StepTimeout / 2);
        await subject.GoesOnAsync("running");
    }

    [Fact]
    public async Task A_QEMU_that_ends_is_not_given_the_machine()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.Trixie, Memory.Memfd);
        string program = await Impostor.ThatEndsAsync(subject, LabQemus.TrixieBackports);
        MigrationException refused = await FailsAsync(() => subject.UpdateAsync(MigrationMode.CprTransfer, program));
        Assert.Equal($"it ended at once; its own output says why; {GoesOn}", refused.Message);
        await GoesOnWhereItWasAsync(subject);
        await NextTryWorksAsync(subject, MigrationMode.CprTransfer);
    }

    /// <summary>The one way in which cpr-exec loses a machine: the program is a QEMU, and does not like its command line.</summary>
    [Fact]
    public async Task A_machine_whose_QEMU_has_become_something_else_is_told_to_be_lost()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        string program = await Impostor.ThatEndsAsync(subject, LabQemus.TrixieBackports);
        MigrationException lost = await FailsAsync(() => subject.UpdateAsync(MigrationMode.CprExec, program));
        Assert.Contains("it ended at once", lost.Message, StringComparison.Ordinal);
        Assert.EndsWith(IsLost, lost.Message, StringComparison.Ordinal);
        Assert.Empty(subject.Machine.Processes());
    }

    [Theory]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprTransfer, Memory.Memfd)]
    public async Task A_program_that_is_gone_when_it_is_wanted_leaves_the_machine_where_it_was(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        string program = await Impostor.ThatVanishesAsync(subject, LabQemus.TrixieBackports);
        MigrationException failed = await FailsAsync(() => subject.UpdateAsync(mode, program));
        Assert.Contains(program, failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(GoesOn, failed.Message, StringComparison.Ordinal);
        await GoesOnWhereItWasAsync(subject);
        await NextTryWorksAsync(subject, mode);
    }

    [Theory]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private, "16m")]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private, "16m")]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprReboot, Memory.Private, "16m")]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.File, "64k")]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd, "64k")]
    public async Task A_disk_that_is_full_leaves_the_machine_where_it_was(string from, MigrationMode mode, Memory memory, string size)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        await using SmallDisk disk = await SmallDisk.MountAsync(subject.Machine, size);
        MigrationException failed = await FailsAsync(
            async () => await subject.UpdateAsync(mode, await Impostor.ProgramAsync(LabQemus.TrixieBackports), Path.Combine(disk.FullName, "state")));
        Assert.Contains("No space left on device", failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(GoesOn, failed.Message, StringComparison.Ordinal);
        await GoesOnWhereItWasAsync(subject);
        await NextTryWorksAsync(subject, mode);
    }

    [Theory]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    public async Task A_save_that_does_not_end_is_given_up(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        await PausesInSaveAsync(subject, pauses: true);
        MigrationException failed = await FailsAsync(
            async () => await subject.UpdateAsync(mode, await Impostor.ProgramAsync(LabQemus.TrixieBackports), stateTimeout: Short));
        Assert.Contains("did not come to its end within 1 s", failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(GoesOn, failed.Message, StringComparison.Ordinal);
        await GoesOnWhereItWasAsync(subject);
        await PausesInSaveAsync(subject, pauses: false);
        await NextTryWorksAsync(subject, mode);
    }

    [Theory]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd)]
    public async Task A_QEMU_that_is_killed_while_it_saves_takes_its_machine_along(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        await PausesInSaveAsync(subject, pauses: true);
        Task<MigrationException> failing = FailsAsync(
            async () => await subject.UpdateAsync(mode, await Impostor.ProgramAsync(LabQemus.TrixieBackports)));
        while (!failing.IsCompleted && !(File.Exists(subject.StateFile) && new FileInfo(subject.StateFile).Length > 0))
        {
            await Task.Delay(Poll, TimeProvider.System);
        }

        await subject.Machine.KillAsync();
        MigrationException lost = await failing.WaitAsync(StepTimeout);
        Assert.EndsWith(IsLost, lost.Message, StringComparison.Ordinal);
        Assert.Empty(subject.Launcher.Started);
        Assert.Empty(subject.Machine.Processes());
    }

    [Theory]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private)]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.File)]
    public async Task A_QEMU_that_is_killed_while_it_loads_leaves_the_state_to_the_next(string from, MigrationMode mode, Memory memory)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        string program = await Impostor.ThatIsKilledAsync(subject, LabQemus.TrixieBackports);
        LiveUpdateReport report = await subject.UpdateAsync(mode, program);
        Assert.Equal(from, $"{report.Version.Major}.{report.Version.Minor}");
        // It had answered, and did not any more.
        Assert.StartsWith($"{program}: {subject.Machine.QmpSocketPath}: ", Assert.Single(report.Setbacks), StringComparison.Ordinal);
        Assert.InRange(report.Blackout!.Value, TimeSpan.Zero, StepTimeout / 2);
        await subject.GoesOnAsync("running");
        Assert.Single(subject.Machine.Processes());
    }

    /// <summary>QEMU sees what it cannot read; a bit of the guest's memory it does not see.</summary>
    [Theory]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.Private, Damage.Cut)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.File, Damage.Byte)]
    [InlineData(LabQemus.Trixie, MigrationMode.CprReboot, Memory.File, Damage.OtherMemory)]
    [InlineData(LabQemus.Bookworm, MigrationMode.Normal, Memory.Private, Damage.Cut)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd, Damage.Cut)]
    [InlineData(LabQemus.TrixieBackports, MigrationMode.CprExec, Memory.Memfd, Damage.Byte)]
    public async Task A_state_that_nobody_can_read_leaves_no_QEMU_behind(string from, MigrationMode mode, Memory memory, Damage damage)
    {
        await using Subject subject = await Subject.StartAsync(from, memory);
        string command = damage switch
        {
            Damage.Cut => $"truncate -s {Beginning} {subject.StateFile}",
            Damage.Byte => $"printf '\\377' | dd of={subject.StateFile} conv=notrunc status=none",
            Damage.OtherMemory => $"cp {subject.MemoryFile} {subject.MemoryFile}.other && mv {subject.MemoryFile}.other {subject.MemoryFile}",
            Damage.None or _ => throw new ArgumentOutOfRangeException(nameof(damage), damage, "not a kind of damage"),
        };
        string program = await Impostor.ThatBeginsWithAsync(subject, LabQemus.TrixieBackports, command);
        MigrationException lost = await FailsAsync(() => subject.UpdateAsync(mode, program));
        Assert.Contains(IsLost, lost.Message, StringComparison.Ordinal);
        Assert.Empty(subject.Machine.Processes());
        // What went through a file is the only copy of the machine: it stays, and is named.
        Assert.Equal(mode == MigrationMode.CprExec ? [] : [subject.StateFile], Directory.GetFiles(subject.Machine.Directory, "state*"));
        if (mode != MigrationMode.CprExec)
        {
            Assert.EndsWith(subject.StateFile, lost.Message, StringComparison.Ordinal);
            Assert.StartsWith($"no QEMU took the machine over ({program}: ", lost.Message, StringComparison.Ordinal);
            Assert.Equal([program, subject.Machine.Program], subject.Launcher.Started);
        }
    }

    [Fact]
    public async Task A_client_that_holds_the_monitor_is_told_of()
    {
        await using Subject subject = await Subject.StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        await using (QmpClient holder = await subject.Machine.ConnectAsync())
        {
            TimeoutException nobody = await Assert.ThrowsAsync<TimeoutException>(
                () => QemuInstance.ConnectAsync(subject.Machine.QmpSocketPath, Short));
            Assert.Contains("another may hold it", nobody.Message, StringComparison.Ordinal);
        }

        await NextTryWorksAsync(subject, MigrationMode.CprExec);
    }

    private static Task<MigrationException> FailsAsync(Func<Task<LiveUpdateReport>> update) => Assert.ThrowsAnyAsync<MigrationException>(update);

    private static async Task GoesOnWhereItWasAsync(Subject subject)
    {
        Assert.Equal([subject.Machine.Pid], subject.Machine.Processes());
        Assert.Empty(Directory.GetFiles(subject.Machine.Directory, "state*"));
        await subject.GoesOnAsync("running");
    }

    private static async Task NextTryWorksAsync(Subject subject, MigrationMode mode)
    {
        LiveUpdateReport report = await subject.UpdateAsync(mode, await Impostor.ProgramAsync(LabQemus.TrixieBackports));
        Assert.Empty(report.Setbacks);
        await subject.GoesOnAsync("running");
        Assert.Single(subject.Machine.Processes());
    }

    /// <summary>Memory is written then, and all else is not.</summary>
    private static async Task PausesInSaveAsync(Subject subject, bool pauses)
    {
        await using QmpClient qmp = await subject.Machine.ConnectAsync();
        _ = await qmp.ExecuteAsync("migrate-set-capabilities", new JsonObject
        {
            ["capabilities"] = new JsonArray(new JsonObject { ["capability"] = "pause-before-switchover", ["state"] = pauses }),
        });
    }
}

/// <summary>What becomes of a machine's state before it is read.</summary>
public enum Damage
{
    None = 0,
    Cut,
    Byte,
    OtherMemory,
}
