using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>Groups that a workload made below its unit's own (Delegate=) are not made again.</summary>
internal sealed class ControlGroupsCheck : IWorkloadCheck
{
    public string Name => "control groups";

    public string Fine => "all processes are in one";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        string[] groups = [.. workload.Tree.Members.Select(member => member.ControlGroup).OfType<string>().Distinct()];
        if (groups.Length > 1)
        {
            yield return CheckResult.Warn(
                Name, workload.Name, $"has processes in {groups.Length} control groups ({groups[0]}, {groups[1]} ...); all come back in that of its unit, without limits of their own",
                "set limits at the unit");
        }
    }
}
