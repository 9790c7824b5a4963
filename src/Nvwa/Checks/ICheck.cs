using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>A question about the host. It only reads, answers nothing where it has no subject, and what it throws becomes "unknown".</summary>
internal interface IHostCheck
{
    /// <summary>Short and stable: programs know it.</summary>
    string Name { get; }

    IEnumerable<CheckResult> Run(HostFacts host);
}

/// <summary>A question about one of the workloads. The same rules; no answer means that nothing was found.</summary>
internal interface IWorkloadCheck
{
    string Name { get; }

    /// <summary>What is said where nothing was found.</summary>
    string Fine { get; }

    IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host);
}
