using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// Memory that a child finds empty (MADV_WIPEONFORK, MAP_DROPPABLE), in which generators of random numbers keep their state, that
/// of getrandom(3) among them. CRIU before 4.2 makes plain memory of it: a child would go on with its parent's numbers.
/// </summary>
internal sealed class WipedMemoryCheck : IWorkloadCheck
{
    public string Name => "wiped memory";

    public string Fine => "there is none, or this CRIU keeps it so";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        int[] pids = host.Criu.Version < CriuCheck.KnowsWipedMemory ? [.. workload.Pids.Where(Mapping.AreWiped)] : [];
        if (pids.Length > 0)
        {
            string more = pids.Length == 1 ? "" : $" (and {pids.Length - 1} more)";
            yield return CheckResult.Warn(
                Name, workload.Name,
                $"process {pids[0]}{more} has memory that its children are to find empty, which CRIU {host.Criu.Version} forgets: a child that it forks afterwards may repeat its random numbers",
                "install CRIU 4.2 or later, or restart the workload afterwards");
        }
    }
}
