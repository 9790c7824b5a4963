using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Update;

/// <summary>
/// Finds what the configuration names, and says what stands in the way of keeping it. Reads only; nothing is touched.
/// </summary>
internal sealed class Discovery(SystemdBus systemd, int callerPid)
{
    /// <summary>A dump and a restore share these with the host; a unit that has its own cannot be kept yet.</summary>
    private static readonly string[] SharedNamespaces = ["mnt", "user", "ipc", "net", "pid", "uts", "cgroup"];

    private readonly List<CheckResult> _results = [];
    private readonly List<Workload> _workloads = [];
    private IReadOnlyList<UnixPeer> _peers = [];

    public IReadOnlyList<CheckResult> Results => _results;

    /// <summary>Only what can be kept.</summary>
    public IReadOnlyList<Workload> Workloads => _workloads;

    public async Task FindAsync(RestoreConfiguration configuration, CancellationToken cancellation)
    {
        _peers = await UnixPeers.ReadAsync(cancellation);
        foreach (string service in configuration.Services)
        {
            Service(service);
        }

        foreach (int pid in configuration.Pids)
        {
            Process(pid);
        }

        if (_workloads.Count == 0 && _results.Count == 0)
        {
            _results.Add(CheckResult.Warn("workloads", "nvwa-restore.yaml", "names nothing to keep: everything is started cold on the new kernel"));
        }
    }

    private void Service(string configured)
    {
        const string Check = "service";
        string unit = systemd.GetUnitId(configured);
        if (systemd.GetString(unit, SystemdInterface.Unit, "LoadState") == "not-found")
        {
            Refuse(Check, configured, "no such service", "correct 'services' in nvwa-restore.yaml; 'systemctl list-units --type=service' shows what runs");
            return;
        }

        int main = (int)systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID");
        string active = systemd.GetString(unit, SystemdInterface.Unit, "ActiveState");
        if (active != "active" || main == 0 || ProcessTree.Of(main) is not { } tree)
        {
            Refuse(Check, unit, active == "active" ? "has no main process" : $"is {active}", $"start it (systemctl start {unit}) or take it out of 'services'");
            return;
        }

        ServiceType type = TypeOf(systemd.GetString(unit, SystemdInterface.Service, "Type"));
        if (type == ServiceType.None)
        {
            Refuse(
                Check, unit, $"is of Type={systemd.GetString(unit, SystemdInterface.Service, "Type")}, which this version cannot keep",
                "kept types are simple, exec, notify, notify-reload and idle");
            return;
        }

        if (systemd.GetString(unit, SystemdInterface.Unit, "UnitFileState") is not ("enabled" or "enabled-runtime" or "static" or "generated" or "alias"))
        {
            _results.Add(CheckResult.Warn(Check, unit, "is not enabled; nvwa restores it all the same", $"a later reboot will not start it: systemctl enable {unit}"));
        }

        int[] strays = [.. ProcFs.PidsOfControlGroup(systemd.ControlGroup(unit) ?? "").Except(tree.Members.Select(member => member.Pid))];
        if (strays.Length > 0)
        {
            Refuse(Check, unit, $"its process {strays[0]} does not descend from its main process {main}", "stop that process, or take the service out");
            return;
        }

        Add(Check, unit, WorkloadKind.Service, unit, tree, type);
    }

    private void Process(int pid)
    {
        const string Check = "process";
        string name = $"{pid}";
        if (ProcessTree.Of(pid) is not { } tree)
        {
            Refuse(Check, name, "there is no such process", "correct 'pids' in nvwa-restore.yaml");
        }
        else if (tree.Root.IsKernelThread)
        {
            Refuse(Check, name, $"is a kernel thread ({tree.Root.Comm})", "take it out of 'pids'");
        }
        else if (pid == 1 || tree.Members.Any(member => member.Pid == Environment.ProcessId || member.Pid == callerPid))
        {
            Refuse(Check, name, "is nvwa, or an ancestor of nvwa or of the caller", "take it out of 'pids'");
        }
        else if (tree.Root.Tty != 0)
        {
            Refuse(Check, name, "has a terminal, which dies with the old kernel", "start it with setsid and without a terminal, or inside a service");
        }
        else if (tree.Members.FirstOrDefault(member => !tree.Numbers.Contains(member.Session) || tree.Members.All(leader => leader.Pid != member.Session)) is { } stray)
        {
            Refuse(
                Check, name, $"process {stray.Pid} belongs to session {stray.Session}, whose leader is not among what is kept",
                "start it with setsid, or name the session's leader in 'pids'");
        }
        else if (UnitOf(pid) is { } unit && unit.EndsWith(".service", StringComparison.Ordinal) && !IsLogin(unit))
        {
            Refuse(Check, name, $"belongs to {unit}", $"name {unit} under 'services' instead");
        }
        else
        {
            Add(Check, name, WorkloadKind.Process, $"nvwa-{pid}.scope", tree, ServiceType.None);
        }
    }

    private void Add(string check, string name, WorkloadKind kind, string unit, ProcessTree tree, ServiceType type)
    {
        int[] pids = [.. tree.Members.Select(member => member.Pid)];
        if (_workloads.Find(other => other.Numbers.Intersect(pids).Any()) is { } overlapping)
        {
            Refuse(check, name, $"shares processes with {overlapping.Name}", "name it once");
            return;
        }

        if (OwnNamespaces(pids) is { Length: > 0 } own)
        {
            Refuse(
                check, name, $"has {string.Join(", ", own)} namespaces of its own, which this version cannot keep",
                "a drop-in that turns off its sandboxing (PrivateTmp=, ProtectSystem=, PrivateDevices=, PrivateUsers= ...) makes it possible");
            return;
        }

        if (KeptSockets.ForeignStreams(pids, _peers) is [{ } foreign, ..])
        {
            string peer = foreign.PeerPath ?? $"socket {foreign.PeerInode}";
            Refuse(check, name, $"has a unix stream connection to {peer}, which is not kept with it", "close that connection, as with the D-Bus clients of the service");
            return;
        }

        if (tree.Numbers[0] < LowestSafePid)
        {
            _results.Add(CheckResult.Warn(
                check, name, $"process {tree.Numbers[0]} has a number that a kernel thread of the new kernel may take",
                "restart it (systemctl restart), so that it gets a higher one"));
        }

        _results.Add(CheckResult.Pass(check, name, $"{pids.Length} processes, can be kept"));
        _workloads.Add(new Workload(name, kind, unit, tree.Root.Pid, tree.Numbers, type, KeptSockets.JournalStreams(pids, _peers)));
    }

    /// <summary>The new kernel numbers its own threads first, and may have up to twice as many as this one.</summary>
    private static int LowestSafePid { get; } = 2 * ProcFs.Pids().Select(ProcFs.Read).Count(process => process is { IsKernelThread: true });

    private static string[] OwnNamespaces(int[] pids) =>
        [.. SharedNamespaces.Where(name => pids.Any(pid => ProcFs.Namespace(pid, name) is { } own && own != ProcFs.Namespace(1, name)))];

    private static bool IsLogin(string unit) =>
        unit.StartsWith("user@", StringComparison.Ordinal) || unit.StartsWith("ssh", StringComparison.Ordinal)
        || unit.Contains("getty@", StringComparison.Ordinal);

    /// <summary>Null for a process outside of every unit.</summary>
    private string? UnitOf(int pid)
    {
        try
        {
            return systemd.UnitOfProcess(pid);
        }
        catch (SystemdException none) when (none.ErrorName == SystemdError.NoUnitForPid)
        {
            return null;
        }
    }

    private static ServiceType TypeOf(string type) => type switch
    {
        "simple" => ServiceType.Simple,
        "exec" => ServiceType.Exec,
        "notify" => ServiceType.Notify,
        "notify-reload" => ServiceType.NotifyReload,
        "idle" => ServiceType.Idle,
        _ => ServiceType.None,
    };

    private void Refuse(string check, string subject, string reason, string remedy) =>
        _results.Add(CheckResult.Refuse(check, subject, reason, remedy));
}
