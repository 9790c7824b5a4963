using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Machines;

/// <summary>What stands in the way of taking a virtual machine to another QEMU, or has to be known before.</summary>
internal static class MachineChecks
{
    public const string Name = "vm";

    private const long Mebibyte = 1 << 20;

    private static readonly TimeSpan ProbeDeadline = TimeSpan.FromMinutes(2);

    /// <summary>For a change of the kernel.</summary>
    public static IEnumerable<CheckResult> ForKernel(MachineConfiguration machine, QemuInstance qemu, IReadOnlyList<string> obstacles, string criuDir)
    {
        foreach (CheckResult result in ForAnyChange(machine, qemu, obstacles))
        {
            yield return result;
        }

        foreach (CheckResult result in Memory(machine, qemu, criuDir))
        {
            yield return result;
        }

        if (qemu.Facts.Passthrough is [var device, ..])
        {
            yield return machine.GuestAgent is null
                ? CheckResult.Refuse(Name, machine.Name, $"drives a device of the host ({device}), which only a guest that sleeps can give up", "run qemu-guest-agent in the guest and name its socket as guest_agent, or unplug the device before")
                : CheckResult.Warn(Name, machine.Name, $"drives a device of the host ({device}): the guest is suspended by its agent before, and woken after");
        }
    }

    /// <summary>For every way to another QEMU.</summary>
    public static IEnumerable<CheckResult> ForAnyChange(MachineConfiguration machine, QemuInstance qemu, IReadOnlyList<string> obstacles)
    {
        MachineFacts facts = qemu.Facts;
        QemuCommandLine commandLine = qemu.CommandLine;
        if (facts.Status is not ("running" or "paused" or "suspended" or "prelaunch"))
        {
            yield return Refuse($"is in QEMU's state {facts.Status}, which cannot be saved", "bring it to an end, or continue it, in QEMU's monitor");
        }

        foreach (string obstacle in obstacles)
        {
            yield return Refuse($"QEMU refuses: {obstacle}", "unplug what it names, or shut the machine down before");
        }

        if (qemu.ProcessUser != qemu.User)
        {
            yield return Refuse(
                $"its process is user {qemu.ProcessUser}'s, and was user {qemu.User}'s when it made its QMP socket: what it says of its own start cannot be trusted",
                "start it as that user (User= of its unit) instead of -runas or -run-with user=");
        }

        if (facts.Images.FirstOrDefault(image => !commandLine.Opens(image)) is { } image)
        {
            yield return Refuse(
                $"writes to {image}, which it was not started with (a snapshot, a mirror, another medium): another QEMU would open the file that it was started with",
                "restart the machine with that file");
        }

        if (commandLine.Inherited is [var inherited, ..])
        {
            yield return Refuse(
                $"was given open descriptors by whoever started it ({inherited}), as libvirt does: another QEMU would not have them",
                "let QEMU open what it needs by name: tap with ifname=, sockets and files with their paths");
        }

        if (commandLine.ThrowsWritesAway)
        {
            yield return Refuse("throws away what the guest writes (-snapshot), when its QEMU ends", "start it without snapshot=on");
        }

        if (facts.DeviceIds.Except(commandLine.DeviceIds).FirstOrDefault() is { } later)
        {
            yield return Refuse($"the device {later} was plugged in after its start, and another QEMU would not have it", $"unplug it (device_del {later}), or start the machine with it");
        }

        if (commandLine.DeviceIds.Except(facts.DeviceIds).FirstOrDefault() is { } gone)
        {
            yield return Refuse($"the device {gone} was unplugged after its start, and another QEMU would have it again", "plug it in again (device_add), or start the machine without it");
        }

        if (commandLine.HasUserNetwork)
        {
            yield return CheckResult.Warn(Name, machine.Name, "reaches the network through QEMU's own sockets (user): its connections end with this QEMU", "a tap device keeps them");
        }

        yield return CheckResult.Pass(Name, machine.Name, $"QEMU {facts.Version.Number} in process {qemu.Pid}, {facts.Type}, {facts.Status}");

        CheckResult Refuse(string reason, string remedy) => CheckResult.Refuse(Name, machine.Name, reason, remedy);
    }

    /// <summary>Whether another program could take it over. It is started, without a machine.</summary>
    public static async Task<CheckResult> ProgramAsync(
        MachineConfiguration machine, QemuInstance qemu, string program, MigrationMode mode, CancellationToken cancellation)
    {
        try
        {
            string directory = Directory.CreateTempSubdirectory("nvwa-probe-").FullName;
            try
            {
                QemuProbe probe = await QemuProbe.RunAsync(program, directory, ProbeDeadline, cancellation);
                return probe.Obstacle(qemu.Facts, mode) is { } obstacle
                    ? CheckResult.Refuse(Name, machine.Name, obstacle, "choose a QEMU that has it")
                    : CheckResult.Pass(Name, machine.Name, $"{program} is QEMU {probe.Version.Number}, and has {qemu.Facts.Type}");
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }
        }
        catch (MigrationException failed)
        {
            return CheckResult.Refuse(Name, machine.Name, failed.Message, "name a QEMU by its absolute path");
        }
    }

    /// <summary>Where its memory is meanwhile, and what would spare the copy.</summary>
    private static IEnumerable<CheckResult> Memory(MachineConfiguration machine, QemuInstance qemu, string criuDir)
    {
        MigrationOptions options = MachineTechnique.Of(qemu);
        IReadOnlyList<RamBackend> copied = MachineTechnique.Copied(qemu, options);
        if (copied.Count == 0)
        {
            yield return CheckResult.Pass(Name, machine.Name, $"its memory stays where it is ({string.Join(", ", qemu.Facts.Ram.Select(ram => ram.Path))}); only device state is written");
            yield break;
        }

        long bytes = copied.Sum(ram => ram.Bytes);
        string[] why = [.. copied.Select(ram => $"{ram.Id} {Why(ram)}")];
        yield return CheckResult.Warn(
            Name, machine.Name, $"{bytes / Mebibyte} MiB of memory are copied to {criuDir}: {string.Join(", ", why)}",
            $"in place it stays with: -object memory-backend-file,id=ram,size={qemu.Facts.Ram.Sum(ram => ram.Bytes) / Mebibyte}M,mem-path=/dev/dax0.0,share=on,align=2M -machine memory-backend=ram");
        long free = FileSystems.Free(FileSystems.Existing(criuDir));
        if (free < bytes)
        {
            yield return CheckResult.Refuse(Name, machine.Name, $"its memory may need {bytes / Mebibyte} MiB in {criuDir}, and {free / Mebibyte} MiB are free", "free some space, or point 'criu_dir' in nvwa-server.yaml elsewhere");
        }
    }

    private static string Why(RamBackend ram) => ram switch
    {
        { IsShared: false } => $"({ram.Type}) is private to its QEMU",
        { Path: null } => $"({ram.Type}) ends with its QEMU",
        { Path: { } path } when Directory.Exists(path) => $"({path}) is a file without a name, which ends with its QEMU",
        { Path: { } path } when MemoryFile.Of(path) is null => $"({path}) is not there any more",
        { Path: { } path } when !MachineTechnique.IsPersistent(MemoryFile.Of(path)!) => $"is on {FileSystems.MountOf(FileSystems.Existing(path)).Type} ({path}), which ends with this kernel",
        _ => "goes with the rest",
    };
}
