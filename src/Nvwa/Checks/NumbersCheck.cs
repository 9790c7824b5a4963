using Nvwa.Core.Checks;
using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>PIDs, TIDs, sessions and groups: they must be free on the new kernel when the workload comes back.</summary>
internal sealed class NumbersCheck : IWorkloadCheck
{
    public string Name => "numbers";

    public string Fine => "can be taken again on the new kernel";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        // The new kernel numbers its own threads first, and may have up to twice as many as this one.
        int lowestSafe = 2 * host.Processes.All.Count(process => process.IsKernelThread);
        if (workload.Tree.Numbers[0] < lowestSafe)
        {
            yield return CheckResult.Warn(
                Name, workload.Name, $"process {workload.Tree.Numbers[0]} has a number that a kernel thread of the new kernel may take",
                "restart it (systemctl restart), so that it gets a higher one");
        }

        foreach (ProcessInfo stray in workload.Tree.Members.Where(member => !workload.Has(member.Session)).DistinctBy(member => member.Session))
        {
            string reason = $"process {stray.Pid} belongs to session {stray.Session}, whose leader is not among what is kept";
            // The root of a dump has to lead its session: CRIU gives up otherwise (pstree.c, --shell-job).
            bool isGone = host.Processes.Find(stray.Session) is null && stray != workload.Tree.Root;
            // CRIU starts a helper that leads the session until its members have joined (pstree.c).
            yield return isGone && workload.Workload.Kind == WorkloadKind.Service
                ? CheckResult.Warn(Name, workload.Name, $"{reason}, but gone", "it is made again for the restore")
                : CheckResult.Refuse(Name, workload.Name, reason, "start it with setsid, or name the session's leader in 'pids'");
        }
    }
}
