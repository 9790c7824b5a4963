using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Qemu;
using Nvwa.Update;

namespace Nvwa.Machines;

/// <summary>Finds the virtual machines that the configuration names, and refuses what cannot be kept. Reads only.</summary>
internal sealed class MachineDiscovery(SystemdBus systemd, RestoreConfiguration configuration, string criuDir)
{
    private const string UnitPrefix = "nvwa-vm-";

    /// <summary>A QEMU that serves somebody else's QMP connection does not answer at all; one on a host under load answers late.</summary>
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(15);

    private readonly List<CheckResult> _results = [];
    private readonly List<Workload> _workloads = [];

    public IReadOnlyList<CheckResult> Results => _results;

    public IReadOnlyList<Workload> Workloads => _workloads;

    /// <summary>Of the machines' memory, what is copied.</summary>
    public long CopiedBytes { get; private set; }

    /// <summary>The unit of a QEMU that stands alone, once we have started it.</summary>
    public static string UnitOf(string name) => $"{UnitPrefix}{name}.service";

    public async Task FindAsync(CancellationToken cancellation)
    {
        foreach ((CheckResult[] results, Workload? workload, long copied) in await Task.WhenAll(configuration.Machines.Select(machine => LookAsync(machine, cancellation))))
        {
            _results.AddRange(results);
            CopiedBytes += copied;
            if (workload is not null)
            {
                _workloads.Add(workload);
            }
        }
    }

    /// <exception cref="StepFailedException">It does not answer, in words.</exception>
    public static async Task<QemuInstance> ConnectAsync(string qmp, CancellationToken cancellation)
    {
        try
        {
            return await QemuInstance.ConnectAsync(qmp, AnswerDeadline, cancellation);
        }
        catch (TimeoutException silent)
        {
            throw new StepFailedException($"{silent.Message}: its QEMU does not run, or another client has its QMP socket, which serves one at a time", silent);
        }
        catch (Exception failed) when (failed is QmpException or QmpTransportException)
        {
            throw new StepFailedException(failed.Message, failed);
        }
    }

    private async Task<(CheckResult[] Results, Workload? Workload, long Copied)> LookAsync(MachineConfiguration machine, CancellationToken cancellation)
    {
        try
        {
            await using QemuInstance qemu = await ConnectAsync(machine.Qmp, cancellation);
            MigrationOptions options = MachineTechnique.Of(qemu);
            IReadOnlyList<string> obstacles = await MachineFacts.ObstaclesAsync(qemu.Qmp, qemu.Features, options.Mode, cancellation);
            string? unit = UnitOf(systemd, machine, qemu.Pid);
            CheckResult[] results =
            [
                .. MachineChecks.ForKernel(machine, qemu, obstacles, criuDir),
                .. CheckUnit(machine, unit, qemu.Pid),
                .. machine.Qemu is { } program ? [await MachineChecks.ProgramAsync(machine, qemu, program, options.Mode, cancellation)] : Array.Empty<CheckResult>(),
            ];
            return (
                results, results.Any(result => result.Verdict >= Verdict.Refuse) ? null : WorkloadOf(machine, qemu, unit),
                MachineTechnique.Copied(qemu, options).Sum(ram => ram.Bytes));
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed) || failed is QmpException or QmpTransportException)
        {
            return ([CheckResult.Refuse(MachineChecks.Name, machine.Name, failed.Message, "correct 'vms' in nvwa-restore.yaml; 'nvwa vm list' shows what runs")], null, 0);
        }
    }

    /// <summary>The service that runs this QEMU: the one that was named, or the one whose main process it is. Null if it stands alone.</summary>
    public static string? UnitOf(SystemdBus systemd, MachineConfiguration machine, int pid) =>
        machine.Unit is { } named ? systemd.GetUnitId(named)
        : Holding(systemd, pid) is { } unit && unit.EndsWith(".service", StringComparison.Ordinal) && !unit.StartsWith(UnitPrefix, StringComparison.Ordinal) && IsMain(systemd, unit, pid) ? unit
        : null;

    /// <summary>What stands in the way of having systemd start another QEMU for it.</summary>
    public IEnumerable<CheckResult> CheckUnit(MachineConfiguration machine, string? unit, int pid)
    {
        if (unit is not null && configuration.Services.Any(service => systemd.GetUnitId(service) == unit))
        {
            yield return CheckResult.Refuse(MachineChecks.Name, machine.Name, $"{unit} is among 'services' too", "name it once, under 'vms'");
        }

        if (unit is null && ProcFs.Read(pid) is { } process && Discovery.OfUser(process) is { } ofUser)
        {
            yield return CheckResult.Refuse(
                MachineChecks.Name, machine.Name, $"its QEMU belongs to {ofUser}, a unit of a user's own systemd, which starts it anew by itself", "make it a service of the host, with User=");
        }

        if (unit is null && Sandbox.Of(pid, Sandbox.Init) is { Count: > 0 } namespaces)
        {
            yield return CheckResult.Refuse(
                MachineChecks.Name, machine.Name, $"its QEMU stands alone in namespaces of its own ({string.Join(", ", namespaces)}), which nobody would make again", "make it a service of the host");
        }

        if (unit is not null && systemd.GetString(unit, SystemdInterface.Unit, "UnitFileState") == "transient")
        {
            yield return CheckResult.Refuse(
                MachineChecks.Name, machine.Name, $"{unit} has no file (systemd-run), and the next boot does not know it", "make it a service with a unit file, or start it with systemd-run --scope");
        }

        if (unit is null && Holding(systemd, pid) is { } holder && holder.EndsWith(".service", StringComparison.Ordinal) && !holder.StartsWith(UnitPrefix, StringComparison.Ordinal) && !holder.StartsWith("user@", StringComparison.Ordinal))
        {
            yield return CheckResult.Refuse(
                MachineChecks.Name, machine.Name, $"its QEMU, process {pid}, is in {holder} without being its main process, and would end with that unit", "give it a unit of its own, or start it with systemd-run --scope");
        }

        if (unit is not null && !IsMain(systemd, unit, pid))
        {
            yield return CheckResult.Refuse(
                MachineChecks.Name, machine.Name, $"its QEMU, process {pid}, is not the main process of {unit}, but in {Holding(systemd, pid) ?? "no unit"}", "correct 'unit' in nvwa-restore.yaml, or leave it out");
        }
    }

    private static bool IsMain(SystemdBus systemd, string unit, int pid) => systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID") == pid;

    private static string? Holding(SystemdBus systemd, int pid)
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

    private static Workload WorkloadOf(MachineConfiguration machine, QemuInstance qemu, string? unit)
    {
        QemuCommandLine next = qemu.CommandLine.ForIncoming(machine.Qemu, qemu.Facts.Type, Migration.IncomingArguments);
        string[] memory = [.. qemu.Facts.Ram.Where(ram => ram.IsSharedFile).Select(ram => ram.Path!)];
        ILookup<bool, string> needed = memory.Concat(qemu.Facts.Images).Where(path => path.StartsWith('/')).ToLookup(path => FileIdentity.Of(path)?.Type is FileType.CharacterDevice or FileType.BlockDevice);
        return new Workload(machine.Name, unit is null ? WorkloadKind.Process : WorkloadKind.Service, unit ?? UnitOf(machine.Name), qemu.Pid, [], ServiceType.None, [])
        {
            Machine = new VirtualMachine(machine.Qmp, next.Arguments, qemu.Facts.IsLive, [.. needed[false]], [.. needed[true]])
            {
                OldProgram = machine.Qemu is null || machine.Qemu == qemu.CommandLine.Program ? null : qemu.CommandLine.Program,
                IsAsleep = qemu.Facts.Status == MachineFacts.Suspended,
                // One that sleeps already hears no agent, and is not to be woken.
                Sleeps = qemu.Facts.Passthrough.Count > 0 && qemu.Facts.Status != MachineFacts.Suspended ? machine.GuestAgent : null,
            },
        };
    }
}
