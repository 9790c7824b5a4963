using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// The host that the scenarios of virtual machines begin with, on the old kernel, with persistent memory that its command
/// line takes from the rest (<c>memmap=</c>), and machines of every kind on it:
/// <code>
/// vm-shared   a service            memory on a DAX file system
/// vm-older    a service, QEMU 10.0 the same; the configuration names QEMU 11.1
/// vm-memfd    a service            memory of the kernel's, shared: what cpr-exec takes
/// vm-paused   a service, stopped   memory of QEMU's own
/// vm-alone    stands alone         memory of QEMU's own
/// vm-device   stands alone         memory is a device
/// vm-linux    a service            a Linux with a device of the host (VFIO), memory of QEMU's own
/// </code>
/// </summary>
public sealed class MachineHost : IAsyncLifetime
{
    // Not side by side: neighbours would be one region.
    private const string PersistentMemory = "memmap=512M!4G,256M!4864M";

    private const string SetUp =
        $$"""
        set -e
        until test -b /dev/pmem0 && test -b /dev/pmem1; do sleep 0.2; done
        mkfs.ext4 -q -b 4096 /dev/pmem0
        mkdir /dax
        echo '/dev/pmem0 /dax ext4 dax=always 0 2' >>/etc/fstab
        systemctl daemon-reload
        mount /dax
        ndctl create-namespace --force --reconfig=namespace1.0 --mode=devdax
        useradd --system {{NestedMachine.User}}
        install -d -o {{NestedMachine.User}} /dax/memory
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private LabImage? _image;
    private LabSnapshot? _snapshot;

    public static NestedMachine Shared { get; } = new("vm-shared", MachineMemory.SharedFile("/dax/memory/shared"));

    public static NestedMachine Older { get; } = new("vm-older", MachineMemory.SharedFile("/dax/memory/older")) { Program = NestedMachine.Older };

    public static NestedMachine Memfd { get; } = new("vm-memfd", MachineMemory.SharedMemfd);

    public static NestedMachine Paused { get; } = new("vm-paused", MachineMemory.Private);

    public static NestedMachine Alone { get; } = new("vm-alone", MachineMemory.Private) { IsService = false };

    public static NestedMachine Device { get; } = new("vm-device", MachineMemory.SharedDevice("/dev/dax1.0")) { IsService = false };

    public static NestedMachine Linux { get; } = new("vm-linux", MachineMemory.Private) { IsLinux = true };

    public static IReadOnlyList<NestedMachine> Machines { get; } = [Shared, Older, Memfd, Paused, Alone, Device, Linux];

    public static IEnumerable<NestedMachine> Running => Machines.Except([Paused]);

    public static IEnumerable<NestedMachine> Services => Machines.Where(machine => machine.IsService);

    /// <summary>For nvwa-restore.yaml: all of them.</summary>
    public static string Configuration { get; } =
        "vms:\n" + string.Concat(Machines.Select(machine => $"- name: {machine.Name}\n  qmp: {machine.QmpSocket}\n"
            + (machine == Older ? $"  qemu: {NestedMachine.Newer}\n" : "")
            + (machine == Linux ? $"  guest_agent: {machine.AgentSocket}\n" : "")));

    public string OldKernel => _image!.Release(LabKernel.Old);

    public string NewKernel => _image!.Release(LabKernel.New);

    public async Task InitializeAsync()
    {
        _image = await LabPackage.LocateImageAsync();
        LabQemus qemus = await LabPackage.LocateQemusAsync();
        LabLinux linux = await LabLinux.LocateAsync(_image);
        await using LabGuest guest = await LabGuest.StartAsync(_image, new LabGuestOptions
        {
            Name = "machines-prepared",
            MemoryMiB = 5120,
            KernelArguments = [PersistentMemory, "intel_iommu=on"],
            HasIommu = true,
            Files =
            [
                .. LabPackage.Files(), new LabFile(qemus.CountingFloppy, NestedMachine.Floppy),
                new LabFile(linux.Kernel, NestedMachine.LinuxInGuest.Kernel), new LabFile(linux.Initrd, NestedMachine.LinuxInGuest.Initrd),
            ],
        });
        await guest.KeepingEvidenceAsync(() => PrepareAsync(new NvwaHost(guest)));
        _snapshot = await guest.SnapshotAsync();
    }

    public Task DisposeAsync()
    {
        _snapshot?.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>Runs a scenario on a guest of its own; when it fails, the guest's evidence is kept.</summary>
    public async Task RunAsync(string name, Func<NvwaHost, Task> scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        await using LabGuest guest = await LabGuest.StartAsync(_snapshot!, name);
        await guest.KeepingEvidenceAsync(() => scenario(new NvwaHost(guest)));
    }

    private static async Task PrepareAsync(NvwaHost host)
    {
        LabGuest guest = host.Guest;
        await guest.WaitForAgentAsync(Patience);
        await FaultSeam.InstallAsync(guest);
        _ = await guest.OutputOfAsync(SetUp, Patience);
        // Before the others, which take all of the processors' time that they get.
        await Task.WhenAll(Linux.StartAsync(guest), host.InstallPackageAsync());
        await NestedMachine.StartAsync(guest, [.. Machines.Except([Linux])]);
        _ = await Paused.TellAsync(guest, "stop");
        await host.ConfigureAsync(Configuration);
        await guest.WaitForNetworkAsync(Patience);
        await guest.WaitUntilAsync("systemctl is-system-running", Patience);
    }
}
