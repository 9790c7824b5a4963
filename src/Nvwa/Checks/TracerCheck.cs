using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>CRIU attaches by ptrace, which only one can do at a time.</summary>
internal sealed class TracerCheck : IWorkloadCheck
{
    public string Name => "ptrace";

    public string Fine => "nobody traces it";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) => workload.Tree.Members
        .Where(member => member.TracerPid != 0)
        .Select(member => CheckResult.Refuse(
            Name, workload.Name, $"process {member.Pid} is traced by process {member.TracerPid} ({ProcFs.Read(member.TracerPid)?.Comm ?? "gone"})",
            "end the debugger, or strace, before the update"));
}
