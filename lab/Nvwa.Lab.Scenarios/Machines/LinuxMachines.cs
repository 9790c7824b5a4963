using System.Net;
using Microsoft.Win32.SafeHandles;
using Nvwa.Lab.Clients;
using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>
/// Another QEMU under a Linux that works: what it has written to its disk is there, and a connection from outside to it goes on,
/// through each update. It counts rounds of that work, and none may be missing.
/// </summary>
public sealed class LinuxMachines
{
    // Every place of its disk is written and read again.
    private const int AllOfItsDisk = 20;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SleepTimeout = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(LabQemus.TrixieBackports, Memory.File, new[] { MigrationMode.CprReboot, MigrationMode.CprReboot })]
    [InlineData(LabQemus.Bookworm, Memory.Private, new[] { MigrationMode.Normal, MigrationMode.CprReboot })]
    public async Task A_Linux_keeps_its_disk_and_its_connections(string from, Memory memory, MigrationMode[] modes)
    {
        ArgumentNullException.ThrowIfNull(modes);
        await using LabNetwork network = await LabNetwork.CreateAsync();
        await using Subject subject = await StartAsync(from, memory, network);
        await using TickerClient client = await TickerClient.ConnectAsync(
            network, new IPEndPoint(LabNetwork.GuestAddress, LabLinux.Port), AnswerTimeout);
        client.Start(TimeSpan.FromSeconds(0.5));
        await client.WaitForRepliesAsync(3, AnswerTimeout);
        await using (QemuInstance qemu = await subject.ConnectAsync())
        {
            // The tap device would still be open, and the machine lost.
            Assert.Contains(from == LabQemus.Bookworm ? "has no cpr-exec" : "tap device", LiveUpdate.Obstacle(qemu, MigrationMode.CprExec), StringComparison.Ordinal);
        }

        foreach (MigrationMode mode in modes)
        {
            LiveUpdateReport report = await subject.UpdateAsync(mode, await ProgramAsync());
            Assert.Equal((mode, 11, 1), (report.Mode, report.Version.Major, report.Version.Minor));
            Assert.Empty(report.Setbacks);
            await client.WaitForRepliesAsync(3, AnswerTimeout);
            _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
        }

        SteadyReport seen = await client.StopAsync(AnswerTimeout);
        seen.Verify();
    }

    /// <summary>Without a cable its memory can be handed over.</summary>
    [Fact]
    public async Task A_Linux_keeps_its_disk_when_its_memory_is_handed_over()
    {
        await using Subject subject = await StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        foreach (MigrationMode mode in (MigrationMode[])[MigrationMode.CprExec, MigrationMode.CprTransfer, MigrationMode.CprExec])
        {
            LiveUpdateReport report = await subject.UpdateAsync(mode, await ProgramAsync());
            Assert.Empty(report.Setbacks);
            _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
        }
    }

    /// <summary>Debian's QEMU 10.0 gives virtio queues of a length that 11.1 does not take, and says so only when it has the state.</summary>
    [Fact]
    public async Task A_Linux_whose_devices_the_new_QEMU_does_not_take_goes_on_in_the_old_one()
    {
        await using Subject subject = await StartAsync(LabQemus.Trixie, Memory.Memfd);
        LiveUpdateReport report = await subject.UpdateAsync(MigrationMode.CprReboot, await ProgramAsync());
        Assert.Equal((10, 0), (report.Version.Major, report.Version.Minor));
        Assert.Contains("error while loading state", Assert.Single(report.Setbacks), StringComparison.Ordinal);
        _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
    }

    /// <summary>By then the new one listens where the old one did.</summary>
    [Fact]
    public async Task A_QEMU_that_could_not_hand_its_Linux_over_can_be_spoken_to_again()
    {
        await using Subject subject = await StartAsync(LabQemus.Trixie, Memory.Memfd);
        string program = await ProgramAsync();
        MigrationException failed = await Assert.ThrowsAsync<MigrationException>(() => subject.UpdateAsync(MigrationMode.CprTransfer, program));
        Assert.Contains("goes on in the QEMU that it had", failed.Message, StringComparison.Ordinal);
        await using (QemuInstance qemu = await subject.ConnectAsync())
        {
            Assert.Equal((subject.Machine.Pid, 10, 0), (qemu.Pid, qemu.Facts.Version.Major, qemu.Facts.Version.Minor));
        }

        _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
        await subject.GoesOnAsync("running");
    }

    [Fact]
    public async Task A_Linux_sleeps_through_an_update_and_wakes_up()
    {
        await using Subject subject = await StartAsync(LabQemus.TrixieBackports, Memory.Memfd);
        await using (QemuInstance qemu = await subject.ConnectAsync())
        {
            await GuestSleep.SleepAsync(qemu.Qmp, subject.Machine.AgentSocketPath, SleepTimeout);
        }

        int asleep = await subject.Machine.VerifyAsync();
        _ = await subject.UpdateAsync(MigrationMode.CprReboot, await ProgramAsync());
        await subject.GoesOnAsync("suspended");
        Assert.Equal(asleep, await subject.Machine.VerifyAsync());

        await using (QmpClient qmp = await subject.Machine.ConnectAsync())
        {
            await GuestSleep.WakeAsync(qmp, SleepTimeout);
            Assert.Equal("running", (await qmp.QueryStatusAsync()).Status);
        }

        _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
    }

    /// <summary>Its own QEMU would abort ("invalid runstate transition: 'postmigrate' -> 'suspended'").</summary>
    [Fact]
    public async Task A_Linux_that_slept_when_it_was_saved_is_taken_back_into_another_QEMU()
    {
        await using Subject subject = await StartAsync(LabQemus.TrixieBackports, Memory.Private);
        await using (QemuInstance qemu = await subject.ConnectAsync())
        {
            await GuestSleep.SleepAsync(qemu.Qmp, subject.Machine.AgentSocketPath, SleepTimeout);
            var saved = SavedMachine.Of(qemu, MigrationMode.CprReboot);
            using (SafeFileHandle file = StateFile.Create(subject.StateFile))
            {
                _ = await Migration.SaveAsync(qemu.Qmp, qemu.Features, saved.Options, file, direct: null, SleepTimeout);
            }

            _ = await Assert.ThrowsAsync<AsleepException>(
                () => Migration.GoOnAsync(qemu.Qmp, qemu.Features, isLive: true, SleepTimeout, isAsleep: true));
            await qemu.Qmp.QuitAsync(SleepTimeout);
            await subject.Launcher.EndAsync(CancellationToken.None);
            LoadedMachine loaded = await new StateLoad(saved, subject.Launcher, subject.StateFile).IntoNewAsync(program: null, []);
            await using QmpClient qmp = loaded.Qmp;
            _ = await Migration.ContinueAsync(qmp, SleepTimeout);
            await GuestSleep.WakeAsync(qmp, SleepTimeout);
        }

        _ = await subject.Machine.WaitForCountsAsync(AllOfItsDisk, AnswerTimeout);
    }

    private static async Task<Subject> StartAsync(string version, Memory memory, LabNetwork? network = null) =>
        await Subject.StartAsync(
            version, memory, linux: await LabLinux.LocateAsync(await LabPackage.LocateImageAsync()), network: network);

    private static async Task<string> ProgramAsync() => (await LabPackage.LocateQemusAsync()).Program(LabQemus.TrixieBackports);
}
