using System.Globalization;

namespace Nvwa.Lab;

/// <summary>The lab's machine. The same for every boot of a guest and for its snapshots, or these could not be loaded.</summary>
internal static class QemuArguments
{
    /// <summary>The disk with a guest's files, as udev names it in the guest.</summary>
    public const string FilesDevice = "/dev/disk/by-id/virtio-nvwa-files";

    public const string AgentPort = "org.qemu.guest_agent.0";

    /// <summary>A random number generator behind the IOMMU; PCI address in the guest.</summary>
    public const string SpareDevice = "0000:00:10.0";

    private const string KernelArguments = "root=LABEL=nvwa-root rw console=ttyS0 panic=10";

    public static IReadOnlyList<string> For(
        LabImage image, LabGuestOptions options, GuestDirectory directory, string disk, bool isIncoming) =>
    [
        // la57=off: CRIU's view of the address space. No KVM: the build machines have none.
        "-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", "2",
        "-m", options.MemoryMiB.ToString(CultureInfo.InvariantCulture),
        "-machine", "q35", "-nodefaults", "-display", "none", "-rtc", "base=utc",
        "-kernel", image.KernelFile(options.Kernel), "-initrd", image.InitrdFile(options.Kernel),
        "-append", string.Join(' ', [KernelArguments, .. options.KernelArguments]),
        .. options.HasIommu ? Iommu : [], .. Disk(disk), .. Files(directory), .. Network(), .. Consoles(directory),
        "-device", "virtio-rng-pci",
        .. isIncoming ? (string[])["-incoming", "defer"] : [],
    ];

    // Before all devices that it is to know of.
    private static string[] Iommu =>
        ["-device", "intel-iommu,intremap=on", "-device", "virtio-rng-pci,addr=0x10,disable-legacy=on,iommu_platform=on"];

    // Without merging: merged requests have up to IOV_MAX pieces, blklogwrites adds two of its own, and a write of more than
    // IOV_MAX is missing in the log without a word (QEMU 11.1: a hole of a header and its data).
    private static string[] Disk(string disk) =>
        ["-blockdev", disk, "-device", $"virtio-blk-pci,drive={GuestDisk.NodeName},write-cache=on,request-merging=off"];

    private static string[] Files(GuestDirectory directory) => File.Exists(directory.Files)
        ?
        [
            "-blockdev", $"raw,node-name=files,read-only=on,file.driver=file,file.filename={directory.Files}",
            "-device", "virtio-blk-pci,drive=files,serial=nvwa-files",
        ]
        : [];

    public static string[] Network() =>
    [
        "-netdev", $"tap,id=net,ifname={LabNetwork.TapName},script=no,downscript=no",
        "-device", "virtio-net-pci,netdev=net,mac=52:54:00:66:00:02",
    ];

    private static string[] Consoles(GuestDirectory directory) =>
    [
        "-qmp", $"unix:{directory.QmpSocket},server=on,wait=off",
        "-chardev", $"socket,id=console,path={directory.ConsoleSocket},server=on,wait=off,logfile={directory.SerialLog},logappend=on",
        "-serial", "chardev:console",
        "-device", "virtio-serial-pci",
        "-chardev", $"socket,id=agent,path={directory.AgentSocket},server=on,wait=off",
        "-device", $"virtserialport,chardev=agent,name={AgentPort}",
    ];
}
