namespace Nvwa.Lab.Machines;

/// <summary>What a QEMU is started with for a guest that counts, on this host or in a guest of the lab.</summary>
internal static class CountingCommandLine
{
    // Read-only, so that QEMUs of several machines may have it at once.
    public static string[] Floppy(string image) => ["-drive", $"if=floppy,format=raw,readonly=on,file={image}"];

    public static string[] Arguments(CountingMachineOptions options, string[] boot, string serialLog, string qmpSocket) =>
    [
        "-machine", options.MachineType, "-accel", "tcg", "-nodefaults", "-display", "none", .. options.Memory.Arguments,
        .. boot,
        "-chardev", $"file,id=serial,path={serialLog},append=on", "-serial", "chardev:serial",
        "-qmp", $"unix:{qmpSocket},server=on,wait=off",
        .. options.Arguments,
    ];
}
