using Nvwa.Core.Checks;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// Namespaces that systemd makes for a unit are made again by its start, and CRIU works within them; of others it keeps
/// IPC, UTS and time.
/// </summary>
internal sealed class NamespacesCheck : IWorkloadCheck
{
    private static readonly string[] OfUnits = ["mnt", "net", "uts", "cgroup"];

    public string Name => "namespaces";

    public string Fine => "are the host's";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        foreach ((string kind, string setting) in new[] { ("user", "PrivateUsers=no"), ("pid", "PrivatePIDs=no") })
        {
            if (workload.Pids.Any(pid => Sandbox.IsOwn(pid, host.Init, kind)))
            {
                yield return CheckResult.Refuse(
                    Name, workload.Name, $"has a {kind} namespace of its own, which CRIU cannot keep", $"a drop-in with {setting} makes it possible (systemctl edit)");
            }
        }

        string[] own = [.. OfUnits.Where(kind => workload.Pids.Any(pid => Sandbox.IsOwn(pid, host.Init, kind)))];
        if (own.Length == 0)
        {
            yield break;
        }

        string what = $"has {string.Join(", ", own)} namespaces of its own";
        if (workload.Workload.Kind != WorkloadKind.Service)
        {
            yield return CheckResult.Refuse(Name, workload.Name, $"{what}, which nobody makes again", "run it as a service: systemd makes them at its start");
        }
        else if (workload.Pids.FirstOrDefault(pid => own.Any(kind => Differs(pid, workload.Tree.Root.Pid, kind))) is > 0 and int other)
        {
            yield return CheckResult.Refuse(
                Name, workload.Name, $"has process {other} in other namespaces than process {workload.Tree.Root.Pid}, which nobody makes again", "configure the program not to make namespaces");
        }
        else if (Obstacle(workload, host) is { } obstacle)
        {
            yield return CheckResult.Refuse(Name, workload.Name, obstacle.Reason, obstacle.Remedy);
        }
        else
        {
            yield return CheckResult.Pass(Name, workload.Name, $"{what}, which its start makes again");
        }
    }

    private static bool Differs(int pid, int other, string kind) => ProcFs.Namespace(pid, kind) is { } one && one != ProcFs.Namespace(other, kind);

    /// <summary>CRIU runs in there: it needs itself and the whole of /proc.</summary>
    private static (string Reason, string Remedy)? Obstacle(KeptWorkload workload, HostFacts host)
    {
        string root = $"/proc/{workload.Tree.Root.Pid}/root";
        return FileIdentity.Of(host.Server.CriuExe) is { } criu && FileIdentity.Of(root + host.Server.CriuExe)?.IsSameFile(criu) != true
                ? ($"does not see {host.Server.CriuExe}, which has to run in its mount namespace", "a drop-in without RootDirectory=, RootImage=, and InaccessiblePaths= of it, makes it possible")
            : FileIdentity.Of($"{root}/proc/sys/kernel") is null
                ? ("does not see all of /proc, which CRIU needs in its mount namespace", "a drop-in with ProcSubset=all makes it possible")
            : workload.SystemV.Count == 0 ? null
            : workload.Workload.Sandbox.Contains("ipc")
                ? ("has System V objects in an IPC namespace that its unit makes, which CRIU cannot fill", "a drop-in with PrivateIPC=no makes it possible")
            : workload.MountOf("/proc/sys/kernel") is { IsWritable: false }
                ? ("has System V objects, and a /proc/sys that CRIU cannot write its limits to", "a drop-in with ProtectKernelTunables=no makes it possible")
            : null;
    }
}
