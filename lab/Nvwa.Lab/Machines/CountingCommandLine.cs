namespace Nvwa.Lab.Machines;

/// <summary>What a QEMU is started with for a guest that counts, on this host or in a guest of the lab.</summary>
internal static class CountingCommandLine
{
    // The floppy is read-only, so that QEMUs of several machines may have it at once.
    public static string[] Arguments(CountingMachineOptions options, string floppy, string serialLog, string qmpSocket) =>
    [
        "-machine", options.MachineType, "-accel", "tcg", "-nodefaults", "-display", "none", .. options.Memory.Arguments,
        "-drive", $"if=floppy,format=raw,readonly=on,file={floppy}",
        "-chardev", $"file,id=serial,path={serialLog},append=on", "-serial", "chardev:serial",
        "-qmp", $"unix:{qmpSocket},server=on,wait=off",
        .. options.Arguments,
    ];
}
