using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// <c>vms</c>: virtual machines come through a change of their host's kernel, and through one of their QEMU, and their guests,
/// which count in all of their memory, do not notice it.
/// </summary>
[Collection(OneGuestAtATime.Name)]
public sealed class VirtualMachines(MachineHost prepared) : IClassFixture<MachineHost>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const long Bytes = (long)NestedMachine.Mebibytes << 20;

    private static readonly string[] BlackoutParts = ["freeze", "dump", "sync", "jump", "boot", "restore"];

    [Fact]
    public Task Machines_of_every_kind_go_to_the_new_kernel() => prepared.RunAsync("machines-quick", async host =>
    {
        await ListedAsync(host);
        await CheckedAsync(host);
        await UpgradesAsync(host, MachineHost.Memfd, "", "QEMU 11.1.3 -> 11.1.3 by cpr-exec");
        await CrossesAsync(host, prepared.NewKernel);
        _ = await MachineHost.Paused.TellAsync(host.Guest, "cont");
        _ = await MachineHost.Paused.GoesOnAsync(host.Guest);
    });

    [Fact]
    [Trait("half", "full")]
    public Task Machines_of_every_kind_go_to_the_other_kernel_and_back() => prepared.RunAsync("machines-full", async host =>
    {
        await CrossesAsync(host, prepared.NewKernel);
        await CrossesAsync(host, prepared.OldKernel);
    });

    [Fact]
    [Trait("half", "full")]
    public Task An_update_that_fails_at_its_end_leaves_them_in_their_QEMUs() => prepared.RunAsync("machines-rollback", async host =>
    {
        LabGuest guest = host.Guest;
        string before = await ProcessesAsync(guest);
        await FaultSeam.ArmAsync(guest, ["SyncFails"]);
        UpdateEnd end = await host.UpdateAsync(prepared.NewKernel);
        Assert.True(end.ExitCode == 1, $"nvwa update: exit code {end.ExitCode}: {end.Output}");
        Assert.Equal(prepared.OldKernel, end.Boot.Release);

        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal((end.RequireId(), "rolledBack"), (update.Id, update.Outcome));
        Assert.Empty(update.Troubles);
        Assert.Equal(before, await ProcessesAsync(guest));
        await AreAsTheyWereAsync(guest);
        await HostState.NothingIsLeftAsync(guest);
        // Nothing of it is in the way of the next one.
        HostState.Says(await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 0);
    });

    [Fact]
    [Trait("half", "full")]
    public Task Services_keep_their_machines_when_their_QEMU_is_changed() => prepared.RunAsync("machines-upgrade", async host =>
    {
        LabGuest guest = host.Guest;
        string process = await MainPidAsync(guest, MachineHost.Memfd);
        await UpgradesAsync(host, MachineHost.Memfd, "", "QEMU 11.1.3 -> 11.1.3 by cpr-exec");
        Assert.Equal(process, await MainPidAsync(guest, MachineHost.Memfd));
        await UpgradesAsync(host, MachineHost.Shared, "--mode cpr-reboot", "QEMU 11.1.3 -> 11.1.3 by cpr-reboot");
        await UpgradesAsync(host, MachineHost.Older, "", "QEMU 10.0.13 -> 11.1.3 by cpr-reboot");
        await UpgradesAsync(host, MachineHost.Paused, "", "by cpr-reboot");
        await UpgradesAsync(host, MachineHost.Alone, "", "by cpr-reboot");
        HostState.Says(
            await host.NvwaAsync($"vm upgrade {MachineHost.Linux.Name}"), "nvwa vm upgrade", exitCode: 3,
            "drives a device of the host (vfio-pci), which cpr-reboot cannot hand over");
        await AreAsTheyWereAsync(guest);
        await UnitsAreOrdinaryAsync(guest);
        await HostState.NothingIsLeftAsync(guest);

        string main = await MainPidAsync(guest, MachineHost.Shared);
        _ = await guest.OutputOfAsync($"kill -KILL {main}");
        await guest.WaitUntilAsync(
            $"test \"$(systemctl show --value -p NRestarts {MachineHost.Shared.Unit})\" = 1 && systemctl is-active {MachineHost.Shared.Unit}", Patience);
        Assert.NotEqual(main, await MainPidAsync(guest, MachineHost.Shared));
    });

    /// <summary>It is killed while no QEMU has the machine, whose state is in a file.</summary>
    [Fact]
    [Trait("half", "full")]
    public Task A_daemon_that_is_killed_in_an_upgrade_ends_it_when_it_is_back() => prepared.RunAsync("machines-daemon-killed", async host =>
    {
        const string SlowQemu = "/usr/local/bin/qemu-slow";
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync($$"""
            printf '#!/bin/sh\ncase "$*" in *incoming*) sleep 15 ;; esac\nexec {{NestedMachine.Newer}} "$@"\n' >{{SlowQemu}} && chmod 755 {{SlowQemu}}
            nvwa vm upgrade {{MachineHost.Shared.Name}} --mode cpr-reboot --qemu {{SlowQemu}} >/root/upgrade.log 2>&1 &
            """);
        await guest.WaitUntilAsync($"systemctl status {MachineHost.Shared.Unit} | grep 'sleep 15'", Patience);
        _ = await guest.OutputOfAsync("systemctl kill -s KILL --kill-whom=main nvwa");

        _ = await MachineHost.Shared.GoesOnAsync(guest);
        await guest.WaitUntilAsync("journalctl -b -u nvwa | grep 'vm vm-shared: the daemon ended while it was upgraded; the machine goes on'", Patience);
        await AreAsTheyWereAsync(guest);
        await UnitIsOrdinaryAsync(guest, MachineHost.Shared);
        await HostState.NothingIsLeftAsync(guest);
        // The next one is one like any other.
        await UpgradesAsync(host, MachineHost.Shared, "", "by cpr-reboot");
    });

    private static async Task ListedAsync(NvwaHost host)
    {
        GuestCommandResult list = await host.NvwaAsync("vm list");
        HostState.Says(list, "nvwa vm list", exitCode: 0, [.. MachineHost.Machines.Select(machine => machine.Name), .. MachineHost.Services.Select(machine => machine.Unit)]);
        string[] lines = list.Output.Split('\n');
        Assert.Contains("10.0.13", Assert.Single(lines, line => line.StartsWith($"{MachineHost.Older.Name} ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("paused", Assert.Single(lines, line => line.StartsWith($"{MachineHost.Paused.Name} ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private async Task CheckedAsync(NvwaHost host)
    {
        (NestedMachine Machine, string Said)[] expected =
        [
            (MachineHost.Shared, "its memory stays where it is (/dax/memory/shared)"),
            (MachineHost.Older, $"{NestedMachine.Newer} is QEMU 11.1"),
            (MachineHost.Memfd, $"{NestedMachine.Mebibytes} MiB of memory are copied to /var/nvwa/running"),
            (MachineHost.Alone, $"{NestedMachine.Mebibytes} MiB of memory are copied to /var/nvwa/running"),
            (MachineHost.Device, "its memory stays where it is (/dev/dax1.0)"),
            (MachineHost.Linux, "drives a device of the host (vfio-pci): the guest is suspended by its agent before, and woken after"),
        ];
        foreach ((NestedMachine machine, string said) in expected)
        {
            HostState.Says(await host.NvwaAsync($"vm check {machine.Name}"), $"nvwa vm check {machine.Name}", exitCode: 0, said);
        }

        HostState.Says(
            await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 0, [.. MachineHost.Machines.Select(machine => machine.Name)]);
    }

    private static async Task CrossesAsync(NvwaHost host, string release)
    {
        LabGuest guest = host.Guest;
        Dictionary<NestedMachine, int> before = await CountsAsync(guest);
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");

        NvwaUpdate update = (await host.StatusAsync()).Update!;
        Assert.Equal(("updated", release), (update.Outcome, end.Boot.Release));
        Assert.Empty(update.Troubles);
        Assert.Equal(MachineHost.Machines.Select(machine => machine.Name), update.Workloads.Select(workload => workload.Name));
        Assert.All(update.Workloads, Restored);
        Dictionary<NestedMachine, int> after = await CountsAsync(guest);
        Assert.All(MachineHost.Running, machine => Assert.True(after[machine] >= before[machine], $"{machine.Name}: {before[machine]} -> {after[machine]}"));
        Assert.Equal(before[MachineHost.Paused], after[MachineHost.Paused]);
        await AreAsTheyWereAsync(guest);
        await UnitsAreOrdinaryAsync(guest);
        await guest.WaitUntilAsync("systemctl is-system-running", Patience);
        await HostState.NothingIsLeftAsync(guest);
    }

    private static void Restored(NvwaWorkload workload)
    {
        Assert.Equal("restored", workload.Step);
        Assert.NotNull(workload.Blackout);
        Assert.Equal(BlackoutParts, workload.Blackout.Parts.Select(part => part.Name));
        // Memory that stays is in no image.
        bool stays = MachineHost.Machines.Single(machine => machine.Name == workload.Name).Memory is var memory
            && (memory == MachineHost.Shared.Memory || memory == MachineHost.Older.Memory || memory == MachineHost.Device.Memory);
        Assert.True(workload.ImageBytes < Bytes / 4 == stays, $"{workload.Name}: {workload.ImageBytes} bytes of images");
    }

    /// <summary>Those that ran go on; the one that did not stands. No reset, no gap, every page right.</summary>
    private static async Task AreAsTheyWereAsync(LabGuest guest)
    {
        await Task.WhenAll(MachineHost.Running.Select(machine => machine.GoesOnAsync(guest)));
        foreach (NestedMachine machine in MachineHost.Machines)
        {
            string status = machine == MachineHost.Paused ? "\"paused\"" : "\"running\"";
            Assert.Contains(status, await machine.TellAsync(guest, "query-status"), StringComparison.Ordinal);
        }

        int stands = await MachineHost.Paused.CountAsync(guest);
        _ = await MachineHost.Shared.GoesOnAsync(guest);
        Assert.Equal(stands, await MachineHost.Paused.CountAsync(guest));
    }

    private static async Task UnitsAreOrdinaryAsync(LabGuest guest)
    {
        foreach (NestedMachine machine in MachineHost.Services)
        {
            await UnitIsOrdinaryAsync(guest, machine);
        }
    }

    /// <summary>Its main process is the newer QEMU, also where it was an older one, and it is what its file says.</summary>
    private static async Task UnitIsOrdinaryAsync(LabGuest guest, NestedMachine machine)
    {
        string unit = await guest.OutputOfAsync(
            $"systemctl show -p ActiveState,Restart,NRestarts,DropInPaths {machine.Unit}; readlink /proc/$(systemctl show --value -p MainPID {machine.Unit})/exe");
        Assert.Equal(
            ["/usr/bin/qemu-system-x86_64", "ActiveState=active", "DropInPaths=", "NRestarts=0", "Restart=on-failure"],
            unit.Trim().Split('\n').Order(StringComparer.Ordinal));
    }

    private static async Task UpgradesAsync(NvwaHost host, NestedMachine machine, string options, string said)
    {
        int before = await machine.CountAsync(host.Guest);
        HostState.Says(await host.NvwaAsync($"vm upgrade {machine.Name} {options}"), $"nvwa vm upgrade {machine.Name}", exitCode: 0, said);
        Assert.True(await machine.CountAsync(host.Guest) >= before);
    }

    private static async Task<Dictionary<NestedMachine, int>> CountsAsync(LabGuest guest)
    {
        var counts = new Dictionary<NestedMachine, int>();
        foreach (NestedMachine machine in MachineHost.Machines)
        {
            counts[machine] = await machine.CountAsync(guest);
        }

        return counts;
    }

    private static Task<string> MainPidAsync(LabGuest guest, NestedMachine machine) =>
        guest.OutputOfAsync($"systemctl show --value -p MainPID {machine.Unit}");

    /// <summary>All QEMUs, with what they run, but that of the Linux, which QEMU cannot take back once it slept.</summary>
    private static Task<string> ProcessesAsync(LabGuest guest) => guest.OutputOfAsync($"pgrep -a qemu-system | grep -v {MachineHost.Linux.Name} | sort");
}
