namespace Nvwa.Lab.Machines;

public sealed record CountingMachineOptions
{
    /// <summary>One of <see cref="LabQemus"/>'.</summary>
    public string Version { get; init; } = LabQemus.Trixie;

    /// <summary>A versioned one that all of the QEMUs know, or the machine would be another after an update.</summary>
    public string MachineType { get; init; } = "pc-i440fx-7.2";

    public MachineMemory Memory { get; init; } = MachineMemory.Private;

    /// <summary>What boots; null: the boot sector.</summary>
    public LabLinux? Linux { get; init; }

    /// <summary>The cable of <see cref="Linux"/>, and where its QEMU runs.</summary>
    public LabNetwork? Network { get; init; }

    /// <summary>More of QEMU's, behind all others.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}
