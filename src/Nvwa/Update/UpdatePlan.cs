using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Update;

/// <summary>All that Check decided; the rest of the run carries it out.</summary>
internal sealed record UpdatePlan(
    string Id,
    KernelImage Kernel,
    string CommandLine,
    IReadOnlyList<Workload> Workloads,
    IReadOnlyList<string> StopList,
    RestoreConfiguration Restore,
    ServerConfiguration Server);
