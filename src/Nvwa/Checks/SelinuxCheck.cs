using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>
/// Under SELinux a restored process must be given its context back (setcurrent and dyntransition of class process), which the
/// policies of distributions grant to hardly anybody; nobody has seen it work with this nvwa. AppArmor's profiles come back.
/// </summary>
internal sealed class SelinuxCheck : IHostCheck
{
    public string Name => "selinux";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        string enforce = Path.Combine(host.Root, "sys/fs/selinux/enforce");
        yield return host.Workloads.Count > 0 && File.Exists(enforce) && File.ReadAllText(enforce).Trim() == "1"
            ? CheckResult.Refuse(
                Name, "host", "SELinux enforces its policy, which does not let CRIU give processes their contexts back",
                "keep nothing: without services and pids in nvwa-restore.yaml the kernel is updated, and everything is started as by a boot")
            : CheckResult.Pass(Name, "host", "does not enforce a policy");
    }
}
