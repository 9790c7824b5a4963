using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>The states that a host may be in after a fault, in the words of <c>nvwa status --json</c>. There are no others.</summary>
public enum EndState
{
    /// <summary>None of these: a bug.</summary>
    None = 0,

    /// <summary>Everything runs on the old kernel as before.</summary>
    RolledBack,

    /// <summary>Everything is restored, on whatever kernel.</summary>
    Updated,

    /// <summary>Some are restored; of the others the services are cold-started, and each is named with its reason and its log.</summary>
    Degraded,

    /// <summary>The machine went down before the commit: a cold boot, nothing restored, services cold-started.</summary>
    Interrupted,
}

/// <summary>One thing that goes wrong in an update, and what must become of it.</summary>
/// <param name="Name">As the table has it; the seam's name for it where it comes from there.</param>
/// <param name="Phase">Where it happens.</param>
/// <param name="End">What becomes of it.</param>
public sealed record FaultCase(string Name, string Phase, EndState End)
{
    /// <summary>Told to nvwa beforehand, in this order.</summary>
    public IReadOnlyList<string> Seam { get; init; } = [];

    /// <summary>The seam stands still at <see cref="Name"/>, the power goes, and the machine is switched on with this kernel.</summary>
    public LabKernel PowerOn { get; init; }

    /// <summary>A line of shell that has the guest ready for it.</summary>
    public string Before { get; init; } = "true";

    /// <summary>A line of shell that takes its cause away.</summary>
    public string After { get; init; } = "true";

    /// <summary>The CRIU of this update, where it is not the host's.</summary>
    public string? Criu { get; init; }

    /// <summary>With restore_net.</summary>
    public bool RestoresNetwork { get; init; }

    /// <summary>Of the kernel to change to; null for the image's other one.</summary>
    public string? Version { get; init; }

    /// <summary>Options of <c>nvwa update</c>.</summary>
    public string Options { get; init; } = "";

    /// <summary>The new kernel does not come up: it ends in the kernel that it began with, by a cold boot.</summary>
    public bool ComesBack { get; init; }

    /// <summary>The workloads that cannot be kept.</summary>
    public IReadOnlyCollection<string> Gone { get; init; } = [];

    /// <summary>Those that may be gone or not, by chance: what is must be named.</summary>
    public IReadOnlyCollection<string> MayBeGone { get; init; } = [];

    /// <summary>Something is left over, and nvwa says so.</summary>
    public bool LeavesTrouble { get; init; }

    public bool IsPowerCut => PowerOn != LabKernel.None;

    /// <summary>A collaborator fails, as the seam has it.</summary>
    /// <param name="name">The seam's name.</param>
    /// <param name="phase">Where it happens.</param>
    /// <param name="end">What becomes of it.</param>
    /// <param name="workload">Of this workload only; where it is degraded, the one that is gone.</param>
    public static FaultCase Failure(string name, string phase, EndState end, string? workload = null) => new(name, phase, end)
    {
        Seam = [workload is null ? name : $"{name} {workload}"],
        Gone = end == EndState.Degraded && workload is not null ? [workload] : [],
    };

    /// <summary>nvwa's process is killed in this phase.</summary>
    public static FaultCase Crash(string phase, EndState end) => new($"{phase}Crash", phase, end) { Seam = [$"{phase}Crash"] };

    /// <summary>The machine loses its power in this phase.</summary>
    public static FaultCase PowerCut(string phase, EndState end, LabKernel powerOn = LabKernel.Old) => new($"{phase}PowerCut", phase, end)
    {
        Seam = [$"{phase}PowerCut"],
        PowerOn = powerOn,
        Gone = end is EndState.Interrupted or EndState.Degraded ? KeptWorkloads.Names : [],
    };

    public override string ToString() => $"{Name} in {Phase}";
}
