using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Machines;

namespace Nvwa.Restore;

/// <summary>
/// What the generator writes (systemd.generator(7)): only while a committed journal waits to be restored, so that nothing
/// stale can be left behind. A drop-in turns the start of a kept service into its restore, in the unit's own cgroup; a kept
/// process is restored by a unit of ours.
/// </summary>
internal static class Generator
{
    private const string Units = "/usr/lib/systemd/system";

    /// <summary>Drop-ins count in the order of their names, and what 'systemctl edit' makes is an override.conf.</summary>
    private const string DropInName = "zz-nvwa.conf";

    /// <param name="state">The open update; null if there is none.</param>
    /// <param name="bootId">Of this boot.</param>
    /// <param name="directory">The generator's directory, on /run: empty at each start of the generators.</param>
    public static ExitCode Write(UpdateState? state, string bootId, string directory)
    {
        foreach ((string name, string content) in Files(state, bootId))
        {
            string path = Path.Combine(directory, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (content.StartsWith('/'))
            {
                File.CreateSymbolicLink(path, content);
            }
            else
            {
                using StreamWriter file = File.CreateText(path);
                file.Write(content);
            }
        }

        return ExitCode.Done;
    }

    /// <summary>Files by path relative to the generator's directory; a value that begins with '/' is a link's target.</summary>
    public static IReadOnlyDictionary<string, string> Files(UpdateState? state, string bootId)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        if (state?.Next(bootId) != NextStep.Restore)
        {
            return files;
        }

        files["sysinit.target.wants/nvwa-lock.service"] = $"{Units}/nvwa-lock.service";
        files["multi-user.target.wants/nvwa.service"] = $"{Units}/nvwa.service";
        if (state.Network is not null)
        {
            files[$"sysinit.target.wants/{NetworkRestore.Unit}"] = $"{Units}/{NetworkRestore.Unit}";
        }

        foreach (WorkloadState workload in state.Workloads.Where(NeedsDropIn))
        {
            files[$"{workload.Workload.Unit}.d/{DropInName}"] = workload.Workload.Machine is { } machine
                ? MachineUnits.DropIn(workload.Workload.Name, machine, state.Opening.ImagesDirectory, isLastTry: workload.Attempts > 0)
                : DropIn(workload.Workload, state.Opening.ImagesDirectory);
        }

        foreach (WorkloadState workload in state.Workloads.Where(workload => workload.Workload.Kind == WorkloadKind.Process && workload.IsPending(bootId)))
        {
            files[$"multi-user.target.wants/{Resume.UnitOf(workload.Workload)}"] = $"{Units}/nvwa-resume@.service";
            files[$"{Resume.UnitOf(workload.Workload)}.d/{DropInName}"] = workload.Workload.Machine is { } machine
                ? MachineUnits.Needs(machine, state.Opening.ImagesDirectory)
                : $"[Unit]\nRequiresMountsFor={UnitFile.Quote(state.Opening.ImagesDirectory)}\n";
        }

        return files;
    }

    /// <summary>
    /// It stays after the restore until the update is closed: systemd must not see the type change back before it has
    /// taken READY=1.
    /// </summary>
    private static bool NeedsDropIn(WorkloadState workload) =>
        workload.Workload.Kind == WorkloadKind.Service
        && workload.Step is WorkloadStep.Saved or WorkloadStep.Attempted or WorkloadStep.Resuming or WorkloadStep.Restored;

    private static string DropIn(Workload workload, string images) => $"""
        # Made by nvwa while {workload.Name} waits to be restored; gone once the update is confirmed.
        [Unit]
        After=nvwa-lock.service nvwa-network.service
        RequiresMountsFor={UnitFile.Quote(images)}
        ConditionPathExists=
        AssertPathExists=

        [Service]
        NotifyAccess=all
        TimeoutStartSec=infinity
        Restart=no
        # Nothing of a restore that ended may stay beside a cold start.
        KillMode=control-group
        SendSIGKILL=yes
        PIDFile=
        # Limits of the service are none of its restore; what comes back has its own, and those of its group hold again once this is gone.
        LimitAS=infinity
        LimitCPU=infinity
        LimitDATA=infinity
        LimitFSIZE=infinity
        LimitNOFILE=524288
        LimitNPROC=infinity
        MemoryHigh=infinity
        MemoryMax=infinity
        TasksMax=infinity
        CPUQuota=
        ExecCondition=
        ExecStartPre=
        ExecStart=
        ExecStartPost=
        {Identify(workload)}{Start(workload, $"/usr/bin/nvwa resume {workload.Name.Replace("\\", "\\\\", StringComparison.Ordinal)}")}

        """;

    /// <summary>
    /// A holder has systemd make the unit's sandbox, with none of its settings changed, and the restore, which needs all
    /// privileges, runs beside it. The restored process then takes its place.
    /// </summary>
    private static string Start(Workload workload, string resume) => (workload.ServiceType, workload.Sandbox.Count > 0) switch
    {
        // systemd knows no main process of it, and it is started when its last command has ended.
        (ServiceType.Oneshot, false) => $"ExecStart=+{resume}",
        (ServiceType.Oneshot, true) => $"{MayRun(workload)}ExecStart={Sandbox.HolderStarter} --fork {Sandbox.Holder}\nExecStart=+{Sandbox.OnHost} {resume}",
        (_, false) => $"Type=notify\nExecStart=+{resume}",
        // WATCHDOG_USEC= of sd_notify(3) turns the watchdog on again.
        (_, true) => $"{MayRun(workload)}Type=exec\nWatchdogSec=0\nExecStart={Sandbox.Holder}\nExecStartPost=+{Sandbox.OnHost} {resume}",
    };

    private static string Identify(Workload workload) => workload.Identifier is { } name ? $"SyslogIdentifier={name.Replace("%", "%%", StringComparison.Ordinal)}\n" : "";

    private static string MayRun(Workload workload) => workload.NoExec ? $"ExecPaths={Sandbox.HolderProgram} {Sandbox.HolderStarter}\n" : "";
}
