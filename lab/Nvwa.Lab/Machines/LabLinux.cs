namespace Nvwa.Lab.Machines;

/// <summary>
/// A Linux that is all in its initial RAM disk (lab/linux): it writes and verifies a disk, answers on a network, can be suspended
/// by its guest agent, and counts its rounds as the boot sector does.
/// </summary>
/// <param name="Kernel">As QEMU boots it.</param>
/// <param name="Initrd">Its path, where QEMU runs.</param>
public sealed record LabLinux(string Kernel, string Initrd)
{
    /// <summary>Of memory.</summary>
    public const int Mebibytes = 128;

    /// <summary>A line is answered as by lab/workloads/ticker.py, with the count as its tick.</summary>
    public const int Port = 5000;

    /// <summary>Its disk begins as nothing but zeros, and is as large as its work.</summary>
    public const int DiskBytes = 1 << 20;

    /// <summary>Makes it where there is none yet, in a second.</summary>
    public static async Task<LabLinux> LocateAsync(LabImage image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        string initrd = await HostCommand.RunAsync(LabPaths.LinuxBuild, [image.Directory], cancellationToken);
        return new LabLinux(image.KernelFile(LabKernel.Old), initrd.Trim());
    }

    /// <summary>It finds by itself which of these it has. The console is nowhere: the serial port is for counts.</summary>
    internal string[] Arguments(string agentSocket, string? disk, bool hasNetwork) =>
    [
        "-kernel", Kernel, "-initrd", Initrd, "-append", "mitigations=off",
        "-device", "virtio-serial-pci",
        "-chardev", $"socket,id=agent,path={agentSocket},server=on,wait=off",
        "-device", $"virtserialport,chardev=agent,name={QemuArguments.AgentPort}",
        .. disk is null ? (string[])[] : ["-drive", $"if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk"],
        .. hasNetwork ? QemuArguments.Network() : [],
    ];
}
