using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>A dump and a restore share these with the host; a unit that has its own cannot be kept yet.</summary>
internal sealed class NamespacesCheck : IWorkloadCheck
{
    /// <summary>Not time: what was restored before has one of its own.</summary>
    private static readonly string[] Shared = ["mnt", "user", "ipc", "net", "pid", "uts", "cgroup"];

    public string Name => "namespaces";

    public string Fine => "are the host's";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        string[] own = [.. Shared.Where(kind => IsOwn(kind, workload, host.Init))];
        if (own.Length > 0)
        {
            yield return CheckResult.Refuse(
                Name, workload.Name, $"has {string.Join(", ", own)} namespaces of its own, which this version cannot keep",
                "a drop-in that turns off its sandboxing (PrivateTmp=, ProtectSystem=, PrivateDevices=, PrivateUsers= ...) makes it possible");
        }
    }

    private static bool IsOwn(string kind, KeptWorkload workload, int init)
    {
        string ofHost = ProcFs.Namespace(init, kind) ?? throw new InvalidDataException($"the {kind} namespace of process {init} cannot be read");
        return workload.Pids.Any(pid => ProcFs.Namespace(pid, kind) is { } mine && mine != ofHost);
    }
}
