using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.State;

namespace Nvwa.Machines;

/// <summary>What systemd is told so that it starts a QEMU for a machine's state.</summary>
internal static class MachineUnits
{
    /// <summary>For device nodes to be made.</summary>
    private const int DeviceSeconds = 60;

    /// <summary>
    /// Its own service starts it, with all of its settings and what it runs before: only the command line is that of a QEMU
    /// that waits in the foreground, and the state is read before the start is over.
    /// </summary>
    /// <param name="name">Of the machine.</param>
    /// <param name="machine">As it was planned.</param>
    /// <param name="images">The directory of its update's images.</param>
    /// <param name="isLastTry">Whether one QEMU has not taken the state.</param>
    public static string DropIn(string name, VirtualMachine machine, string images, bool isLastTry) => $"""
        # Made by nvwa while the virtual machine {name} waits to be restored; gone once the update is confirmed.
        {Needs(machine, images)}
        # A second try is no reason for anybody to be alarmed.
        OnFailure=
        FailureAction=none
        StartLimitIntervalSec=0

        [Service]
        Type=exec
        PIDFile=
        TimeoutStartSec=infinity
        Restart=no
        {string.Concat(machine.NeededDevices.Select(device => $"ExecStartPre=+/usr/bin/udevadm wait --timeout={DeviceSeconds} {UnitFile.Quote(device)}\n"))}ExecStart=
        ExecStart={UnitFile.Command(machine.CommandLineFor(isLastTry))}
        # The unit's own would find a guest that does not run yet, or have it run before its time.
        ExecStartPost=
        ExecStartPost=+{Sandbox.OnHost} /usr/bin/nvwa resume {name}

        """;

    /// <summary>Of the unit whose start brings the machine back.</summary>
    public static string Needs(VirtualMachine machine, string images) => $"""
        [Unit]
        After=nvwa-lock.service nvwa-network.service
        RequiresMountsFor={string.Join(' ', machine.NeededPaths.Prepend(images).Select(UnitFile.Quote))}

        """;

    /// <summary>systemd starts nothing at all with a variable that it does not take, as a function that bash exports.</summary>
    private static bool IsTaken(string name, string value) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        && value.All(c => c is '\t' or '\n' || !char.IsControl(c));

    /// <summary>For a QEMU that stands alone.</summary>
    public static SystemdTransientService Transient(string unit, string name, IReadOnlyList<string> commandLine, MachineFile settings) =>
        new(unit, commandLine)
        {
            Description = $"Virtual machine {name}, kept by nvwa",
            User = settings.Uid,
            WorkingDirectory = settings.WorkingDirectory,
            Environment = settings.Variables.Select(variable => variable.Split('=', 2)).Where(pair => pair.Length == 2 && IsTaken(pair[0], pair[1]))
                .DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]),
            DefaultDependencies = true,
        };
}
