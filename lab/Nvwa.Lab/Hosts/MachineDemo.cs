using System.Globalization;
using Nvwa.Lab.Machines;
using Nvwa.Qemu;

namespace Nvwa.Lab.Hosts;

/// <summary>
/// A virtual machine that lives through a change of its host's kernel, as the host's operator sees it. Its guest counts in all
/// of its memory and says so; the result is 0 only if it counted on without a reset, a gap or a wrong page.
/// </summary>
public sealed class MachineDemo(TextWriter output)
{
    // Its own memory is a file on a DAX file system, which a part of the host's memory is made into.
    private const string PersistentMemory = "memmap=512M!4G";

    private const string SetUp = "until test -b /dev/pmem0; do sleep 0.2; done; mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir /dax && "
        + "echo '/dev/pmem0 /dax ext4 dax=always 0 2' >>/etc/fstab && systemctl daemon-reload && mount /dax && "
        + "useradd --system " + NestedMachine.User + " && install -d -o " + NestedMachine.User + " /dax/memory";

    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(5);

    private readonly NestedMachine _machine = new("web", MachineMemory.SharedFile("/dax/memory/web"));

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        LabImage image = await LabPackage.LocateImageAsync(cancellationToken);
        LabQemus qemus = await LabPackage.LocateQemusAsync(cancellationToken);
        Say($"Booting a guest that is a host of virtual machines: Debian with Linux {image.Release(LabKernel.Old)}.");
        var options = new LabGuestOptions
        {
            Name = "demo-vm",
            MemoryMiB = 5120,
            KernelArguments = [PersistentMemory],
            Files = [.. LabPackage.Files(), new LabFile(qemus.CountingFloppy, NestedMachine.Floppy)],
        };
        await using LabGuest guest = await LabGuest.StartAsync(image, options, cancellationToken);
        try
        {
            await guest.WaitForAgentAsync(BootTimeout, cancellationToken);
            await RunAsync(image.Release(LabKernel.New), new NvwaHost(guest), cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is LabException or TimeoutException or QmpException or QmpTransportException)
        {
            Say($"demo: {e.Message}");
            Say($"demo: what the guest left is in {await guest.KeepEvidenceAsync()}");
            return 1;
        }
    }

    private async Task RunAsync(string release, NvwaHost host, CancellationToken cancellationToken)
    {
        LabGuest guest = host.Guest;
        await TypeAsync(guest, "apt-get install -qqy -o Dpkg::Use-Pty=0 /root/nvwa.deb", cancellationToken);
        _ = await guest.OutputOfAsync(SetUp, CommandTimeout, cancellationToken);
        await _machine.StartAsync(guest, cancellationToken);
        await host.ConfigureAsync($"vms:\n- name: {_machine.Name}\n  qmp: {_machine.QmpSocket}\n", cancellationToken: cancellationToken);
        await TypeAsync(guest, "nvwa vm list", cancellationToken);
        await TypeAsync(guest, $"nvwa vm check {_machine.Name}", cancellationToken);
        await TypeAsync(guest, "uname -r", cancellationToken);

        int before = await _machine.GoesOnAsync(guest, cancellationToken: cancellationToken);
        Say($"# nvwa update {release}");
        UpdateEnd end = await host.UpdateAsync(release, output.Write, cancellationToken);
        if (end.ExitCode is { } code)
        {
            throw new LabException($"nvwa update ended with exit code {code}");
        }

        Say($"\n# nvwa status --wait {end.RequireId()}");
        GuestCommandResult waited = await host.WaitForUpdateAsync(end.RequireId(), cancellationToken);
        Say((waited.Output + waited.Error).TrimEnd());
        await TypeAsync(guest, "uname -r", cancellationToken);
        int after = await _machine.GoesOnAsync(guest, cancellationToken: cancellationToken);
        if (waited.ExitCode != 0 || end.Boot.Release != release)
        {
            throw new LabException($"nvwa's exit code is {waited.ExitCode}, and the host runs Linux {end.Boot.Release}");
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"\nThe guest had counted to {before} and is at {after}: no reset, no number left out, every page of its memory right."));
    }

    private async Task TypeAsync(LabGuest guest, string command, CancellationToken cancellationToken)
    {
        Say($"# {command}");
        Say((await guest.OutputOfAsync($"export DEBIAN_FRONTEND=noninteractive; {{ {command}; }} 2>&1", CommandTimeout, cancellationToken)).TrimEnd());
    }

    private void Say(string line) => output.WriteLine(line);
}
