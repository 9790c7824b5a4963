namespace Nvwa.Lab;

/// <summary>How a guest is made. A guest from a snapshot has the snapshot's machine: only the name is its own.</summary>
public sealed record LabGuestOptions
{
    /// <summary>Names the directory that keeps what is left of a failed run.</summary>
    public string Name { get; init; } = "guest";

    /// <summary>Of the first boot, and of every boot through the firmware.</summary>
    public LabKernel Kernel { get; init; } = LabKernel.Old;

    /// <summary>Put at the end of the kernel command line, such as "memmap=1G!4G" (which needs the memory to be there).</summary>
    public IReadOnlyList<string> KernelArguments { get; init; } = [];

    public int MemoryMiB { get; init; } = 2048;

    /// <summary>Whether it has an IOMMU, and behind it a device that it can give to a machine of its own (intel_iommu=on is the kernel's part).</summary>
    public bool HasIommu { get; init; }

    /// <summary>Unpacked into the guest when its agent first answers: the quick way for large files.</summary>
    public IReadOnlyList<LabFile> Files { get; init; } = [];
}
