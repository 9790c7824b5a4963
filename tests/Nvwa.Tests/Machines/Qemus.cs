using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Qemu;

namespace Nvwa.Tests.Machines;

/// <summary>A machine that nothing is wrong with, to be spoilt where a test needs it.</summary>
internal static class Qemus
{
    public static MachineConfiguration Configuration { get; } = new("web", "/run/web.qmp");

    public static QemuCommandLine CommandLine { get; } = new(["/usr/bin/qemu-system-x86_64", "-M", "q35", "-device", "virtio-net-pci,id=net0", "-drive", "file=/srv/web.qcow2", "-qmp", "unix:/run/web.qmp,server=on,wait=off"]);

    public static QemuFeatures Features { get; } = new(
        new HashSet<MigrationMode> { MigrationMode.Normal, MigrationMode.CprReboot, MigrationMode.CprTransfer, MigrationMode.CprExec },
        new HashSet<string> { "events", "x-ignore-shared", "mapped-ram", "multifd" }, HasFiles: true, HasDirectIo: true, OutlivesFailure: true);

    public static MachineFacts Facts { get; } = new(
        new QmpVersion(11, 1, 3, ""), "running", "pc-q35-10.0", SharesAuxiliaryRam: true,
        [new RamBackend("ram", "memory-backend-memfd", 64 << 20, IsShared: true, Path: null)], ["virtio-net-pci"], ["net0"], ["/srv/web.qcow2"]);

    public static VirtualMachine Machine { get; } = new("/run/web.qmp", ["/usr/bin/qemu-system-x86_64", "-name", "my web", "-incoming", "defer", "-S"], IsLive: true, ["/srv/web.qcow2"], ["/dev/dax0.0"]);

    /// <summary>By its own service.</summary>
    public static Workload Served { get; } = new("web", WorkloadKind.Service, "web-vm.service", 901, [], ServiceType.None, []) { Machine = Machine };

    /// <summary>By nobody.</summary>
    public static Workload Alone { get; } = new("db", WorkloadKind.Process, "nvwa-vm-db.service", 902, [], ServiceType.None, []) { Machine = Machine };

    public static QemuInstance Of(MachineFacts? facts = null, QemuCommandLine? commandLine = null) => new(null!, 901, commandLine ?? CommandLine, Features, facts ?? Facts);
}
