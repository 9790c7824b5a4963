using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// CRIU gives a terminal back to the leader of its session, after it has forked the others (tty.c): the kernel lets a process
/// have it only by inheritance, so they are left without (setsid(2), tty_ioctl(4), TIOCSCTTY).
/// </summary>
internal sealed class ControllingTerminalCheck : IWorkloadCheck
{
    public string Name => "terminal";

    public string Fine => "is no matter, or its session's leader's alone";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        ProcessInfo[] members = [.. workload.Tree.Members.Where(member => member.Tty != 0 && member.Pid != member.Session)];
        if (members.Length > 0)
        {
            string more = members.Length == 1 ? "" : $" (and {members.Length - 1} more)";
            yield return CheckResult.Warn(
                Name, workload.Name,
                $"process {members[0].Pid}{more} will have no controlling terminal, which CRIU gives back to the leader of its session only: its input, output and signals go on, /dev/tty cannot be opened",
                "start it again from its shell if it asks for passwords there");
        }
    }
}
