using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Machines;

/// <summary>How a virtual machine comes through a change of the kernel.</summary>
internal static class MachineTechnique
{
    /// <summary>The fastest that its QEMU and its memory allow.</summary>
    public static MigrationOptions Of(QemuInstance qemu) => MigrationOptions.ForFile(
        qemu.Features.Modes.Contains(MigrationMode.CprReboot) ? MigrationMode.CprReboot : MigrationMode.Normal,
        qemu.Features,
        qemu.Facts.Ram,
        IsPersistent);

    /// <summary>Whether it is memory of the machine itself, by DAX, and on no disk.</summary>
    public static bool IsDirect(MemoryFile memory) => memory.IsDevice || FileSystems.MountOf(memory.Path).Source.StartsWith("/dev/pmem", StringComparison.Ordinal);

    /// <summary>What of its memory has to be written.</summary>
    public static IReadOnlyList<RamBackend> Copied(QemuInstance qemu, MigrationOptions options) =>
        [.. qemu.Facts.Ram.Where(ram => !(options.LeavesShared && ram.IsSharedFile))];

    /// <summary>Whether what is in it is still there under the next kernel, and by the same name.</summary>
    public static bool IsPersistent(MemoryFile memory) => memory.IsDevice
        // Device DAX.
        ? memory.Path.StartsWith("/dev/dax", StringComparison.Ordinal)
        : !FileSystems.IsMemoryBacked(FileSystems.MountOf(memory.Path).Type);
}
