using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// What a process can hold of the kernel, by lab/workloads/objects: each group is a service, which makes its objects and looks
/// at them again after each update. What is not kept, and what is not kept quite, <c>nvwa check</c> says beforehand.
/// </summary>
[Collection(OneGuestAtATime.Name)]
[Trait("table", "compatibility")]
public sealed class KernelObjects(PreparedHost prepared)
{
    private const string Script = "python3 /root/objects";

    // Both kernels need as many huge pages. What else is there is not looked at here.
    private const string Prepare =
        """
        echo vm.nr_hugepages=8 >/etc/sysctl.d/huge-pages.conf && sysctl -q -p /etc/sysctl.d/huge-pages.conf
        systemctl disable -q --now redis.service redis-journal.service && pkill -f '[t]icker.py'
        systemctl daemon-reload
        """;

    private static readonly TimeSpan StepTimeout = TimeSpan.FromMinutes(4);

    [Fact]
    public Task Kernel_objects_are_kept_or_spoken_of() => prepared.RunAsync("kernel-objects", async host =>
    {
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync(Prepare, StepTimeout);
        string[] kept = await LinesAsync(guest, "--kept");
        await EachCheckCanFailAsync(guest, kept);
        await WhatIsNotKeptIsSpokenOfAsync(host, prepared.NewKernel);

        string units = string.Join(' ', kept.Select(Unit));
        _ = await guest.OutputOfAsync($"systemctl enable -q --now {units}", StepTimeout);
        await host.ConfigureAsync(Configuration(kept));
        string before = await ProcessesAsync(guest, units);
        await UpdateAsync(host, prepared.NewKernel, kept);
        Assert.Equal(before, await ProcessesAsync(guest, units));
        _ = await host.InstallNewerCriuAsync();
        await UpdateAsync(host, prepared.OldKernel, kept);
        Assert.Equal(before, await ProcessesAsync(guest, units));
        _ = await guest.OutputOfAsync($"systemctl restart {units}", StepTimeout);
    });

    /// <summary>Or what they say afterwards would mean nothing.</summary>
    private static async Task EachCheckCanFailAsync(LabGuest guest, string[] kept) =>
        _ = await guest.OutputOfAsync($"for group in {string.Join(' ', kept)}; do LATE=5 {Script} --without $group || exit 1; done", StepTimeout);

    private static async Task WhatIsNotKeptIsSpokenOfAsync(NvwaHost host, string release)
    {
        string[][] words = [.. (await LinesAsync(host.Guest, "--spoken-of")).Select(line => line.Split('\t'))];
        string[] groups = [.. words.Select(fields => fields[0]).Distinct()];
        string units = string.Join(' ', groups.Select(Unit));
        _ = await host.Guest.OutputOfAsync($"systemctl start {units}", StepTimeout);
        await host.ConfigureAsync(Configuration(groups));
        HostState.Says(await host.NvwaAsync($"check {release}"), "nvwa check", exitCode: 3, [.. words.Select(fields => fields[2])]);
        await CompatibilityTable.AddRefusedAsync(host, release);
        _ = await host.Guest.OutputOfAsync($"systemctl stop {units}", StepTimeout);
    }

    private static async Task UpdateAsync(NvwaHost host, string release, string[] kept)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        Assert.Equal(release, end.Boot.Release);
        await AllAreAsTheyWereAsync(host.Guest, kept);
        await HostState.NothingIsLeftAsync(host.Guest);
        await CompatibilityTable.AddAsync(host);
    }

    private static async Task AllAreAsTheyWereAsync(LabGuest guest, string[] kept)
    {
        string verdicts = string.Join(' ', kept.Select(group => $"/var/lib/objects/{group}"));
        _ = await guest.OutputOfAsync($"rm -f {verdicts}; systemctl kill --kill-whom=main -s USR1 {string.Join(' ', kept.Select(Unit))}");
        await guest.WaitUntilAsync($"test $(ls {verdicts} | wc -l) = {kept.Length}", StepTimeout);
        string said = await guest.OutputOfAsync($"cd /var/lib/objects && for group in {string.Join(' ', kept)}; do echo \"$group: $(cat $group)\"; done");
        Assert.True(said == string.Concat(kept.Select(group => $"{group}: ok\n")), said);
    }

    private static async Task<string[]> LinesAsync(LabGuest guest, string option) =>
        (await guest.OutputOfAsync($"{Script} {option}", StepTimeout)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Task<string> ProcessesAsync(LabGuest guest, string units) => guest.OutputOfAsync($"systemctl show -p Id,MainPID,ActiveState {units}");

    private static string Unit(string group) => $"object@{group}.service";

    private static string Configuration(IEnumerable<string> groups) => $"services:\n{string.Concat(groups.Select(group => $"- {Unit(group)}\n"))}";
}
