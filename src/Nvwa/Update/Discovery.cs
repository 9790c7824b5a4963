using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>
/// Finds what the configuration names, and refuses what is no workload at all. What stands in the way of keeping it, the
/// checks say. Reads only; nothing is touched.
/// </summary>
internal sealed class Discovery(SystemdBus systemd, ProcessTable processes, IReadOnlyList<UnixPeer> peers, int callerPid)
{
    private readonly List<CheckResult> _results = [];
    private readonly List<KeptWorkload> _workloads = [];

    public IReadOnlyList<CheckResult> Results => _results;

    public IReadOnlyList<KeptWorkload> Workloads => _workloads;

    public void Find(RestoreConfiguration configuration)
    {
        foreach (string service in configuration.Services)
        {
            OrRefuse("service", service, () => Service(service));
        }

        foreach (int pid in configuration.Pids)
        {
            OrRefuse("process", $"{pid}", () => Process(pid));
        }

        if (_workloads.Count == 0 && _results.Count == 0 && configuration.Machines.Count == 0)
        {
            _results.Add(CheckResult.Warn("workloads", "nvwa-restore.yaml", "names nothing to keep: everything is started cold on the new kernel"));
        }
    }

    /// <summary>Null for a process outside of every unit.</summary>
    public string? UnitOf(int pid)
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

    /// <summary>What cannot be looked at must not be left out without a word: it would be lost in the update.</summary>
    private void OrRefuse(string check, string subject, Action find)
    {
        try
        {
            find();
        }
        catch (Exception failed) when (failed is SystemdException or LinuxException)
        {
            Refuse(check, subject, $"could not be looked at: {failed.Message}", "try again; systemctl status and the daemon's log tell more");
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

        string active = systemd.GetString(unit, SystemdInterface.Unit, "ActiveState");
        if (active != "active")
        {
            Refuse(Check, unit, $"is {active}", $"start it (systemctl start {unit}) or take it out of 'services'");
            return;
        }

        ServiceType type = TypeOf(systemd.GetString(unit, SystemdInterface.Service, "Type"));
        if (type == ServiceType.None)
        {
            Refuse(
                Check, unit, $"is of Type={systemd.GetString(unit, SystemdInterface.Service, "Type")}: its connection to the bus ends with the bus",
                "kept types are simple, exec, notify, notify-reload, forking, oneshot and idle");
            return;
        }

        if (systemd.GetString(unit, SystemdInterface.Service, "StandardInput") == "socket")
        {
            Refuse(Check, unit, "has a socket of systemd's for its input (StandardInput=socket), which is not made again for it", "take it out of 'services': it ends with this kernel, and its .socket unit starts it again");
            return;
        }

        if (systemd.GetStrings(unit, SystemdInterface.Unit, "TriggeredBy").FirstOrDefault(StartsNoMore) is { } socket)
        {
            Refuse(Check, unit, $"has sockets of {socket}, which is active, but which no boot starts", $"systemctl enable {socket}");
            return;
        }

        if (systemd.GetUInt32(unit, SystemdInterface.Service, "NFileDescriptorStore") is > 0 and var stored)
        {
            Refuse(Check, unit, $"has given {stored} descriptors to systemd (FileDescriptorStoreMax=), which end with this kernel", "restart it with FileDescriptorStoreMax=0 in a drop-in");
            return;
        }

        if (systemd.GetString(unit, SystemdInterface.Unit, "UnitFileState") is not ("enabled" or "enabled-runtime" or "static" or "generated" or "alias"))
        {
            _results.Add(CheckResult.Warn(Check, unit, "is not enabled; nvwa restores it all the same", $"a later reboot will not start it: systemctl enable {unit}"));
        }

        Processes(Check, unit, type);
    }

    /// <summary>A .socket unit that somebody started by hand.</summary>
    private bool StartsNoMore(string unit) => unit.EndsWith(".socket", StringComparison.Ordinal)
        && systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") == "active"
        && systemd.GetString(unit, SystemdInterface.Unit, "UnitFileState") is "disabled" or "linked" or "transient";

    private void Processes(string check, string unit, ServiceType type)
    {
        IReadOnlyList<int> pids = ProcFs.PidsOfControlGroup(systemd.ControlGroup(unit));
        if (type == ServiceType.Oneshot && pids.Count == 0)
        {
            _results.Add(CheckResult.Pass(check, unit, "has no processes to keep: the boot starts it as always"));
            return;
        }

        // Of a oneshot unit systemd knows no main process: it is the one that all others descend from.
        int main = type == ServiceType.Oneshot
            ? pids.FirstOrDefault(pid => !pids.Contains(processes.Find(pid)?.ParentPid ?? 0))
            : (int)systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID");
        if (main == 0 || processes.Tree(main) is not { } tree)
        {
            Refuse(
                check, unit, "has no main process", type == ServiceType.Forking
                    ? "PIDFile= of the unit tells systemd which of its processes is the main one"
                    : $"restart it (systemctl restart {unit}) or take it out of 'services'");
            return;
        }

        int[] strays = Strays(pids, tree);
        if (strays.Length > 0)
        {
            Refuse(check, unit, $"its process {strays[0]} does not descend from its main process {main}", "stop that process, or take the service out");
            return;
        }

        Add(check, unit, WorkloadKind.Service, unit, tree, type, Watchdog(unit));
    }

    /// <summary>Those of a unit that do not descend from its main process.</summary>
    /// <param name="pids">Of its control group.</param>
    /// <param name="tree">Older than that: who was born since descends from it too, and who has ended does no harm.</param>
    internal static int[] Strays(IReadOnlyList<int> pids, ProcessTree tree) =>
        [.. pids.Except(tree.Members.Select(member => member.Pid)).Except(ProcFs.Tree(tree.Root.Pid)).Where(pid => ProcFs.Read(pid) is not null)];

    private void Process(int pid)
    {
        const string Check = "process";
        string name = $"{pid}";
        if (processes.Tree(pid) is not { } tree)
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
        else if (OfUser(tree.Root) is { } ofUser)
        {
            Refuse(Check, name, $"belongs to {ofUser}, a unit of a user's own systemd, which starts it anew by itself", "make it a service of the host, with User=, and name that under 'services'");
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

    private void Add(string check, string name, WorkloadKind kind, string unit, ProcessTree tree, ServiceType type, long watchdog = 0)
    {
        int[] pids = [.. tree.Members.Select(member => member.Pid)];
        if (_workloads.Find(other => other.Workload.Numbers.Intersect(pids).Any()) is { } overlapping)
        {
            Refuse(check, name, $"shares processes with {overlapping.Name}", "name it once");
            return;
        }

        _results.Add(CheckResult.Pass(check, name, $"{pids.Length} processes, {tree.Members.Sum(member => member.Threads.Count)} threads"));
        UnitFiles? files = kind == WorkloadKind.Service ? UnitFiles.Of(systemd, unit) : null;
        var workload = new Workload(name, kind, unit, tree.Root.Pid, tree.Numbers, type, KeptSockets.JournalStreams(pids, peers))
        {
            Sandbox = kind == WorkloadKind.Service ? Sandbox.Of(tree.Root.Pid, Sandbox.Init, systemd.GetBool(unit, SystemdInterface.Service, "PrivateIPC")) : [],
            NoExec = kind == WorkloadKind.Service && systemd.GetStrings(unit, SystemdInterface.Service, "NoExecPaths").Count > 0,
            Watchdog = watchdog,
            UnitFiles = files?.Digest(),
            Identifier = kind == WorkloadKind.Service ? Identifier(unit) : null,
        };
        _workloads.Add(new KeptWorkload(workload, tree) { UnitFiles = files });
    }

    /// <summary>The name that the journal has its output by: without SyslogIdentifier= that of the program that its start runs, which would be ours.</summary>
    private string? Identifier(string unit) =>
        systemd.GetString(unit, SystemdInterface.Service, "SyslogIdentifier").Length == 0 && systemd.GetPrograms(unit) is [.., var program] ? Path.GetFileName(program) : null;

    /// <summary>Infinity is none, too.</summary>
    private long Watchdog(string unit) => systemd.GetUInt64(unit, SystemdInterface.Service, "WatchdogUSec") is var microseconds and not ulong.MaxValue ? (long)microseconds : 0;

    /// <summary>The service of a user manager, user@.service, that a process is in; null if it is in none.</summary>
    internal static string? OfUser(ProcessInfo process)
    {
        string[] groups = process.ControlGroup?.Split('/') ?? [];
        return groups.SkipWhile(group => !group.StartsWith("user@", StringComparison.Ordinal)).Skip(1)
            .LastOrDefault(group => group.EndsWith(".service", StringComparison.Ordinal));
    }

    private static bool IsLogin(string unit) =>
        unit.StartsWith("user@", StringComparison.Ordinal) || unit.StartsWith("ssh", StringComparison.Ordinal)
        || unit.Contains("getty@", StringComparison.Ordinal);

    private static ServiceType TypeOf(string type) => type switch
    {
        "simple" => ServiceType.Simple,
        "exec" => ServiceType.Exec,
        "notify" => ServiceType.Notify,
        "notify-reload" => ServiceType.NotifyReload,
        "idle" => ServiceType.Idle,
        "forking" => ServiceType.Forking,
        "oneshot" => ServiceType.Oneshot,
        _ => ServiceType.None,
    };

    private void Refuse(string check, string subject, string reason, string remedy) =>
        _results.Add(CheckResult.Refuse(check, subject, reason, remedy));
}
