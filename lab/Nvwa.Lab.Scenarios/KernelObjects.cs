using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// What a process can hold of the kernel, by lab/workloads/objects: each group is a service, which makes its objects and looks
/// at them again after each update. What is not kept, and what is not kept quite, <c>nvwa check</c> says beforehand.
/// </summary>
[Collection(OneGuestAtATime.Name)]
public sealed class KernelObjects(PreparedHost prepared)
{
    private const string Script = "python3 /root/objects";

    private static readonly TimeSpan StepTimeout = TimeSpan.FromMinutes(3);

    [Fact]
    public Task Kernel_objects_are_kept_or_spoken_of() => prepared.RunAsync("kernel-objects", async host =>
    {
        LabGuest guest = host.Guest;
        // What the table of techniques was made for; and an older one cannot come back from the new kernel.
        _ = await host.InstallNewerCriuAsync();
        // Both kernels need as many huge pages.
        _ = await guest.OutputOfAsync("echo vm.nr_hugepages=8 >/etc/sysctl.d/huge-pages.conf && sysctl -q -p /etc/sysctl.d/huge-pages.conf && systemctl daemon-reload");
        string[] kept = await LinesAsync(guest, "--kept");
        await EachCheckCanFailAsync(guest, kept);
        await WhatIsNotKeptIsSpokenOfAsync(host);

        string units = string.Join(' ', kept.Select(Unit));
        _ = await guest.OutputOfAsync($"systemctl enable -q --now {units}", StepTimeout);
        await host.ConfigureAsync(Configuration(kept));
        HostState.Says(await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 0);
        foreach (string release in (string[])[prepared.NewKernel, prepared.OldKernel])
        {
            string before = await ProcessesAsync(guest, units);
            await UpdateAsync(host, release, kept.Length);
            Assert.Equal(before, await ProcessesAsync(guest, units));
            await AllAreAsTheyWereAsync(guest, kept);
            await HostState.NothingIsLeftAsync(guest);
        }
    });

    /// <summary>Or what they say afterwards would mean nothing.</summary>
    private static async Task EachCheckCanFailAsync(LabGuest guest, string[] kept)
    {
        foreach (string group in kept)
        {
            GuestCommandResult result = await guest.RunAsync($"{Script} --without {group}", StepTimeout);
            Assert.True(result.ExitCode == 0, result.Output + result.Error);
        }
    }

    private static async Task WhatIsNotKeptIsSpokenOfAsync(NvwaHost host)
    {
        LabGuest guest = host.Guest;
        ILookup<string, string> words = (await LinesAsync(guest, "--spoken-of")).Select(line => line.Split('\t')).ToLookup(fields => fields[0], fields => fields[2]);
        foreach (IGrouping<string, string> group in words)
        {
            _ = await guest.OutputOfAsync($"systemctl start {Unit(group.Key)}", StepTimeout);
            await host.ConfigureAsync(Configuration([group.Key]));
            string before = await HostState.ReadAsync(guest);
            HostState.Says(await host.NvwaAsync("check"), $"nvwa check of {group.Key}", exitCode: group.Key == "refused" ? 3 : 0, [.. group]);
            Assert.Equal(before, await HostState.ReadAsync(guest));
            _ = await guest.OutputOfAsync($"systemctl stop {Unit(group.Key)}", StepTimeout);
        }
    }

    private static async Task UpdateAsync(NvwaHost host, string release, int services)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal(services, update.Workloads.Count);
        Assert.All(update.Workloads, workload => Assert.Equal(("restored", (int?)workload.PidBefore), (workload.Step, workload.PidAfter)));
    }

    private static async Task AllAreAsTheyWereAsync(LabGuest guest, string[] kept)
    {
        string verdicts = string.Join(' ', kept.Select(group => $"/var/lib/objects/{group}"));
        _ = await guest.OutputOfAsync($"rm -f {verdicts}; systemctl kill --kill-whom=main -s USR1 {string.Join(' ', kept.Select(Unit))}");
        await guest.WaitUntilAsync($"test $(ls {verdicts} | wc -l) = {kept.Length}", StepTimeout);
        Assert.Equal(
            kept.Select(group => $"{group}: ok"),
            (await guest.OutputOfAsync($"cd /var/lib/objects && for group in {string.Join(' ', kept)}; do echo \"$group: $(cat $group)\"; done")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static async Task<string[]> LinesAsync(LabGuest guest, string option) =>
        (await guest.OutputOfAsync($"{Script} {option}", StepTimeout)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Task<string> ProcessesAsync(LabGuest guest, string units) => guest.OutputOfAsync($"systemctl show -p Id,MainPID,ActiveState {units}");

    private static string Unit(string group) => $"object@{group}.service";

    private static string Configuration(IEnumerable<string> groups) => $"services: [{string.Join(", ", groups.Select(Unit))}]\n";
}
