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
        const string Enforce = "sys/fs/selinux/enforce";
        // The kernel that restores goes by the configuration, whatever setenforce(8) told this one.
        bool enforces = Says(host, Enforce, "1") || (Says(host, Enforce, "0") && Says(host, "etc/selinux/config", "SELINUX=enforcing"));
        yield return enforces && host.Workloads.Count > 0
            ? CheckResult.Refuse(
                Name, "host", "SELinux enforces its policy, now or from the next boot on, which does not let CRIU give processes their contexts back",
                "keep nothing: without services and pids in nvwa-restore.yaml the kernel is updated, and everything is started as by a boot")
            : CheckResult.Pass(Name, "host", "does not enforce a policy");
    }

    private static bool Says(HostFacts host, string file, string line) =>
        File.Exists(Path.Combine(host.Root, file)) && File.ReadLines(Path.Combine(host.Root, file)).Any(each => each.Trim() == line);
}
