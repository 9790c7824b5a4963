using System.Globalization;
using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>Updates that do not reach their switch: everything runs on the old kernel, and the next try works.</summary>
[Collection(OneGuestAtATime.Name)]
public sealed class RolledBackUpdates(PreparedHost prepared)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StepTimeout = TimeSpan.FromMinutes(2);

    [Fact]
    public Task A_dump_that_fails_is_rolled_back_and_the_next_update_works() => prepared.RunAsync("failing-dump", async host =>
    {
        LabGuest guest = host.Guest;
        int refused = await StartRefusedAsync(guest);
        await host.ConfigureAsync(WithProcess(refused));
        await using OutsideWatch watch = await OutsideWatch.StartAsync(guest.Network);
        await watch.AnsweredAsync(10, AnswerTimeout);

        UpdateEnd end = await host.UpdateAsync(prepared.NewKernel);
        string log = string.Create(CultureInfo.InvariantCulture, $"/var/nvwa/running/{refused}/dump.log");
        Assert.Equal(1, end.ExitCode);
        Assert.Equal(prepared.OldKernel, end.Boot.Release);
        Assert.Contains($"{refused} could not be dumped", end.Output, StringComparison.Ordinal);
        Assert.Contains(log, end.Output, StringComparison.Ordinal);
        Assert.Contains("Error", await guest.OutputOfAsync($"cat {log}"), StringComparison.Ordinal);
        await EverythingRunsAsync(host, end.RequireId());
        await guest.WaitUntilAsync("tail -n 1 /root/refused.log >/run/tick; sleep 1; ! tail -n 1 /root/refused.log | cmp -s - /run/tick", StepTimeout);
        await watch.AnsweredAsync(10, AnswerTimeout);

        _ = await guest.OutputOfAsync($"kill {refused}");
        await host.ConfigureAsync(prepared.Workloads.Configuration);
        UpdateEnd next = await host.UpdateAsync(prepared.NewKernel);
        Assert.Equal((null, prepared.NewKernel), (next.ExitCode, next.Boot.Release));
        HostState.Says(await host.WaitForUpdateAsync(next.RequireId()), "nvwa status --wait", exitCode: 0);
        Assert.Equal(prepared.Workloads, await KeptWorkloads.ReadAsync(guest));
        await watch.AnsweredAsync(10, AnswerTimeout);
        await NothingWasSeenFromOutsideAsync(guest, watch);
        await Removal.LeavesNothingAsync(guest);
        Assert.Equal(prepared.Workloads, await KeptWorkloads.ReadAsync(guest));
    });

    [Fact]
    public Task While_an_update_runs_a_second_one_waits_for_none_and_cancel_rolls_it_back() => prepared.RunAsync("cancel", async host =>
    {
        LabGuest guest = host.Guest;
        await using OutsideWatch watch = await OutsideWatch.StartAsync(guest.Network);
        string id = await BeginAsync(host);

        // What is kept goes on serving while the others stop.
        await watch.AnsweredAsync(10, AnswerTimeout);
        foreach (string words in (string[])[$"update {prepared.NewKernel}", "init", "init --discard"])
        {
            HostState.Says(await host.NvwaAsync(words), words, exitCode: 1, id, "is running");
        }

        HostState.Says(
            await guest.RunAsync("apt-get remove -qy nvwa 2>&1", StepTimeout), "apt-get remove", exitCode: 100, "an update is open");
        _ = await guest.OutputOfAsync("pkill -KILL -f '^nvwa update'");
        Assert.Equal("none", (await host.StatusAsync()).Update!.Outcome);
        HostState.Says(await host.NvwaAsync("cancel"), "cancel", exitCode: 0, id);
        _ = await guest.OutputOfAsync("touch /run/slow-stop.go");

        HostState.Says(await host.WaitForUpdateAsync(id), "nvwa status --wait", exitCode: 1, "cancelled");
        await EverythingRunsAsync(host, id, "slow-stop.service");
        await watch.AnsweredAsync(10, AnswerTimeout);
        await NothingWasSeenFromOutsideAsync(guest, watch);
        HostState.Says(await host.NvwaAsync("cancel"), "cancel", exitCode: 1, "no update is running");
    });

    [Fact]
    public Task A_daemon_that_is_killed_in_the_middle_comes_back_and_rolls_back() => prepared.RunAsync("killed-daemon", async host =>
    {
        LabGuest guest = host.Guest;
        await using OutsideWatch watch = await OutsideWatch.StartAsync(guest.Network);
        string id = await BeginAsync(host);
        _ = await guest.OutputOfAsync("systemctl kill --kill-whom=main -s KILL nvwa.service; touch /run/slow-stop.go");

        HostState.Says(await host.WaitForUpdateAsync(id), "nvwa status --wait", exitCode: 1, "the daemon ended while it ran");
        await EverythingRunsAsync(host, id, "slow-stop.service");
        await watch.AnsweredAsync(10, AnswerTimeout);
        await NothingWasSeenFromOutsideAsync(guest, watch);
    });

    /// <summary>Begins an update that stays in Quiesce until /run/slow-stop.go is there.</summary>
    private async Task<string> BeginAsync(NvwaHost host)
    {
        _ = await host.Guest.OutputOfAsync("systemctl daemon-reload && systemctl start slow-stop.service");
        await host.StartUpdateAsync(prepared.NewKernel);
        await host.Guest.WaitUntilAsync("test \"$(systemctl is-active slow-stop.service)\" = deactivating", StepTimeout);
        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal(("quiesce", "none"), (update.Phase, update.Outcome));
        return update.Id;
    }

    private static async Task<int> StartRefusedAsync(LabGuest guest)
    {
        _ = await guest.OutputOfAsync(
            "systemd-run --quiet --scope --unit=refused setsid -f python3 /root/refused.py /root/refused.log </dev/null >/dev/null 2>&1");
        await guest.WaitUntilAsync("grep -q ^tick /root/refused.log", StepTimeout);
        string pid = await guest.OutputOfAsync("awk '/^start / { print $2 }' /root/refused.log");
        return int.Parse(pid, CultureInfo.InvariantCulture);
    }

    private string WithProcess(int pid) => string.Create(
        CultureInfo.InvariantCulture,
        $"pids: [{prepared.Workloads.Ticker}, {pid}]\nservices: [redis, redis-journal]\n");

    private async Task EverythingRunsAsync(NvwaHost host, string id, params string[] restarted)
    {
        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal((id, "rolledBack"), (update.Id, update.Outcome));
        Assert.Empty(update.Troubles);
        Assert.All([.. restarted, "cron.service"], unit => Assert.Contains(unit, update.Restarted));
        Assert.Equal(prepared.Workloads, await KeptWorkloads.ReadAsync(host.Guest));
        _ = await host.Guest.OutputOfAsync($"systemctl is-active cron.service ssh.service {string.Join(' ', restarted)}");
        await HostState.NothingIsLeftAsync(host.Guest);
    }

    private static async Task NothingWasSeenFromOutsideAsync(LabGuest guest, OutsideWatch watch)
    {
        Assert.All(await watch.StopAsync(), watched => watched.Report.Verify());
        CaptureSummary capture = await guest.Capture.StopAsync();
        Assert.True(capture.Packets > 0);
        Assert.Empty(capture.Refusals);
    }
}
