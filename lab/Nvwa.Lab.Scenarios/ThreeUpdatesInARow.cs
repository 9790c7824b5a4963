using System.Globalization;
using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>The main job, on real kernels, seen from inside and from outside.</summary>
[Collection(OneGuestAtATime.Name)]
public sealed class ThreeUpdatesInARow(PreparedHost prepared)
{
    // A peer that has waited for a minute asks again only after another.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan SettleTimeout = TimeSpan.FromMinutes(2);

    private static readonly string[] BlackoutParts = ["freeze", "dump", "sync", "jump", "boot", "restore"];

    [Fact]
    public Task Services_started_at_boot_and_a_process_survive_6_12_to_7_to_6_12_to_7() =>
        prepared.RunAsync("three-updates", async host =>
        {
            // The seeds' own example: both switches are for kernels that this one is not.
            await host.ConfigureAsync(prepared.Workloads.Configuration + "enable_quick_kexec: true\nenable_pin_memory: true\n");
            Assert.InRange(prepared.Workloads.Redis, 1, 1500);
            Assert.InRange(prepared.Workloads.RedisJournal, 1, 1500);
            await using OutsideWatch watch = await OutsideWatch.StartAsync(host.Guest.Network);
            await watch.AnsweredAsync(10, AnswerTimeout);

            await UpdateAsync(host, watch, prepared.NewKernel);
            int length = await CommandLineLengthAsync(host.Guest);
            await OldCriuIsRefusedAsync(host);
            _ = await host.InstallNewerCriuAsync();
            await UpdateAsync(host, watch, prepared.OldKernel);
            await UpdateAsync(host, watch, prepared.NewKernel);
            // The one number in it may have another length.
            Assert.InRange(await CommandLineLengthAsync(host.Guest), length - 7, length + 7);

            await NothingWasSeenFromOutsideAsync(host, watch);
            await UnitsAreOrdinaryAgainAsync(host.Guest);
        });

    private async Task UpdateAsync(NvwaHost host, OutsideWatch watch, string release)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        Assert.Equal(release, end.Boot.Release);
        string id = end.RequireId();
        HostState.Says(await host.WaitForUpdateAsync(id), "nvwa status --wait", exitCode: 0, "updated");

        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal((id, "updated", release), (update.Id, update.Outcome, update.NewKernel));
        Assert.All(update.Workloads, Restored);
        Assert.Equal(prepared.Workloads, await KeptWorkloads.ReadAsync(host.Guest));
        await watch.AnsweredAsync(10, AnswerTimeout);

        await OutputGoesOnAsync(host.Guest);
        await TickerGoesOnAsync(host.Guest);
        await LogsAreReadableAsync(host.Guest);
        HostState.Says(await host.Guest.RunAsync("systemctl status --no-pager nvwa", SettleTimeout), "systemctl status nvwa", 0, id);
        await host.Guest.WaitUntilAsync("systemctl is-system-running", SettleTimeout);
        await HostState.NothingIsLeftAsync(host.Guest);
    }

    private static void Restored(NvwaWorkload workload)
    {
        Assert.Equal(("restored", (int?)workload.PidBefore), (workload.Step, workload.PidAfter));
        Assert.NotNull(workload.Blackout);
        Assert.Equal(BlackoutParts, workload.Blackout.Parts.Select(part => part.Name));
        Assert.Equal(workload.Blackout.Milliseconds, workload.Blackout.Parts.Sum(part => part.Milliseconds));
    }

    // A background save forks, writes a file, is reaped, and logs all of it. One that Redis has just begun by itself does, too.
    private static async Task OutputGoesOnAsync(LabGuest guest)
    {
        const string Saved = "Background saving terminated with success";
        _ = await guest.OutputOfAsync("wc -l </root/log1.log >/run/lines; redis-cli BGSAVE SCHEDULE; redis-cli -p 6380 BGSAVE SCHEDULE");
        await guest.WaitUntilAsync($"tail -n +$(($(cat /run/lines) + 1)) /root/log1.log | grep -q '{Saved}'", SettleTimeout);
        await guest.WaitUntilAsync($"journalctl -b -u redis-journal.service | grep -q '{Saved}'", SettleTimeout);
    }

    private async Task TickerGoesOnAsync(LabGuest guest)
    {
        string log = KeptWorkloads.TickerLog;
        await guest.WaitUntilAsync($"awk -v now=$(date +%s) 'END {{ exit now - $4 > 3 }}' {log}", SettleTimeout);
        string unit = string.Create(CultureInfo.InvariantCulture, $"nvwa-{prepared.Workloads.Ticker}.scope");
        Assert.Contains(
            unit, await guest.OutputOfAsync($"cat /proc/{prepared.Workloads.Ticker}/cgroup"), StringComparison.Ordinal);
    }

    private async Task LogsAreReadableAsync(LabGuest guest)
    {
        foreach (string workload in (string[])["redis", "redis-journal", prepared.Workloads.Ticker.ToString(CultureInfo.InvariantCulture)])
        {
            _ = await guest.OutputOfAsync($"cd /var/nvwa/running/{workload} && test -s dump.log && test -s restore.log");
        }
    }

    private static async Task<int> CommandLineLengthAsync(LabGuest guest)
    {
        string line = await guest.OutputOfAsync("cat /proc/cmdline");
        string[] names = [.. line.Split(' ').Select(parameter => parameter.Split('=')[0])];
        Assert.Equal(names.Length, names.Distinct().Count());
        return line.Length;
    }

    // CRIU 4.1 asks a TCP socket for an option that Linux 6.16 took away from it.
    private async Task OldCriuIsRefusedAsync(NvwaHost host)
    {
        string before = await HostState.ReadAsync(host.Guest);
        foreach (string verb in (string[])["update", "check"])
        {
            HostState.Says(
                await host.NvwaAsync($"{verb} {prepared.OldKernel}"), verb, exitCode: 3, "/usr/sbin/criu", "4.1", "TCP", "install CRIU 4.2");
        }

        Assert.Equal(before, await HostState.ReadAsync(host.Guest));
    }

    private static async Task NothingWasSeenFromOutsideAsync(NvwaHost host, OutsideWatch watch)
    {
        Assert.All(await watch.StopAsync(), watched => watched.Report.Verify());
        CaptureSummary capture = await host.Guest.Capture.StopAsync();
        Assert.True(capture.Packets > 0);
        Assert.Empty(capture.Refusals);
    }

    private static async Task UnitsAreOrdinaryAgainAsync(LabGuest guest)
    {
        _ = await guest.OutputOfAsync("systemctl restart redis.service && redis-cli ping", SettleTimeout);
        _ = await guest.OutputOfAsync("kill -KILL $(systemctl show --value -p MainPID redis-journal.service)");
        await guest.WaitUntilAsync("systemctl is-failed redis-journal.service", SettleTimeout);
        GuestCommandResult result = await guest.RunAsync("systemctl show -p Result redis-journal.service", SettleTimeout);
        Assert.Equal("Result=signal", result.Output.Trim());
        _ = await guest.OutputOfAsync("systemctl restart redis-journal.service", SettleTimeout);
        await guest.WaitUntilAsync("redis-cli -p 6380 ping", SettleTimeout);
    }
}
