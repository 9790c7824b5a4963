using Nvwa.Core.Checks;
using Nvwa.Core.Planning;

namespace Nvwa.Checks;

/// <summary>Groups that a service made below its unit's own (Delegate=) are made again; a process moves to a scope of ours, with all of its tree.</summary>
internal sealed class ControlGroupsCheck : IWorkloadCheck
{
    public string Name => "control groups";

    public string Fine => "all processes are in one";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        string[] groups = [.. workload.Tree.Members.Select(member => member.ControlGroup).OfType<string>().Distinct()];
        if (groups.Length > 1)
        {
            yield return workload.Workload.Kind == WorkloadKind.Service
                ? CheckResult.Pass(Name, workload.Name, $"has processes in {groups.Length} control groups, which are made again")
                : CheckResult.Warn(
                    Name, workload.Name, $"has processes in {groups.Length} control groups ({groups[0]}, {groups[1]} ...); all come back in one, without limits of their own",
                    "run it as a service, with Delegate=");
        }
    }
}
