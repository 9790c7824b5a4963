using Nvwa.Api;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Qemu;
using Nvwa.State;

namespace Nvwa.Machines;

/// <summary>A request that names no machine, or one that cannot be reached.</summary>
internal sealed class MachineRequestException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>What <c>nvwa vm</c> asks of the daemon.</summary>
internal sealed class MachineRequests(ConfigurationFiles files)
{
    private const string Qemu = "qemu";

    public async Task<IReadOnlyList<MachineReport>> ListAsync(CancellationToken cancellation)
    {
        (RestoreConfiguration restore, _) = files.Read();
        using var systemd = SystemdBus.Connect();
        MachineConfiguration[] found =
        [
            .. from pid in ProcFs.Pids()
               where ProcFs.Read(pid)?.Exe is { } exe && Path.GetFileName(exe).StartsWith(Qemu, StringComparison.Ordinal)
               let commandLine = QemuInstance.CommandLineOf(pid)
               where commandLine is not null
               from socket in commandLine.QmpSockets.Take(1)
               where restore.Machines.All(machine => machine.Qmp != socket)
               select new MachineConfiguration(commandLine.Name ?? $"{pid}", socket),
        ];
        MachineReport[] configured = await Task.WhenAll(restore.Machines.Select(machine => ReportAsync(systemd, machine, isConfigured: true, cancellation)));
        MachineReport[] others = await Task.WhenAll(found.Select(machine => ReportAsync(systemd, machine, isConfigured: false, cancellation)));
        return [.. configured, .. others];
    }

    /// <exception cref="MachineRequestException">There is no such machine.</exception>
    public async Task<IReadOnlyList<CheckResult>> CheckAsync(string name, string? program, CancellationToken cancellation)
    {
        (MachineConfiguration machine, ServerConfiguration server, RestoreConfiguration restore) = Find(name);
        using var systemd = SystemdBus.Connect();
        var discovery = new MachineDiscovery(systemd, restore with { Machines = [machine] }, server.CriuDir);
        await discovery.FindAsync(cancellation);
        if (program is null || discovery.Results.Any(result => result.Verdict >= Verdict.Refuse))
        {
            return discovery.Results;
        }

        await using QemuInstance qemu = await ConnectAsync(machine, cancellation);
        (IReadOnlyList<CheckResult> upgrade, _) = await new MachineUpgrade(systemd, machine, server.CriuDir)
            .CheckAsync(qemu, MachineDiscovery.UnitOf(systemd, machine, qemu.Pid), program, mode: null, cancellation);
        return [.. discovery.Results, .. upgrade.Except(discovery.Results)];
    }

    /// <exception cref="MachineRequestException">There is no such machine, or it failed.</exception>
    public async Task<(IReadOnlyList<CheckResult> Refusals, UpgradeMachineReply? Reply)> UpgradeAsync(UpgradeMachineParameters asked, CancellationToken cancellation)
    {
        (MachineConfiguration machine, ServerConfiguration server, RestoreConfiguration restore) = Find(asked.Name);
        MigrationMode? mode = asked.Mode is null ? null
            : Enum.GetValues<MigrationMode>().Where(each => each != MigrationMode.None).FirstOrDefault(each => each.Name() == asked.Mode) is var named and not MigrationMode.None ? named
            : throw new MachineRequestException($"there is no mode {asked.Mode}; modes are cpr-exec, cpr-transfer, cpr-reboot and normal");
        using var systemd = SystemdBus.Connect();
        await using QemuInstance qemu = await ConnectAsync(machine, cancellation);
        string? program = asked.Qemu ?? machine.Qemu;
        string? unit = MachineDiscovery.UnitOf(systemd, machine, qemu.Pid);
        var upgrade = new MachineUpgrade(systemd, machine, server.CriuDir);
        (IReadOnlyList<CheckResult> results, MigrationMode chosen) = await upgrade.CheckAsync(qemu, unit, program ?? qemu.CommandLine.Program, mode, cancellation);
        if (chosen != MigrationMode.CprExec)
        {
            results = [.. results, .. new MachineDiscovery(systemd, restore, server.CriuDir).CheckUnit(machine, unit, qemu.Pid)];
        }

        if (results.Any(result => result.Verdict >= Verdict.Refuse))
        {
            return (results, null);
        }

        try
        {
            LiveUpdateReport report = await upgrade.RunAsync(qemu, unit, program, chosen, cancellation);
            return ([], new UpgradeMachineReply(machine.Name, report.Mode.Name(), qemu.Facts.Version.Number, report.Version.Number, BlackoutOf(report), report.Setbacks));
        }
        catch (MigrationException failed)
        {
            throw new MachineRequestException(failed.Message, failed);
        }
    }

    private static Blackout? BlackoutOf(LiveUpdateReport report)
    {
        if (report is not { Stopped: { } stopped, Resumed: { } resumed })
        {
            return null;
        }

        (string Name, DateTimeOffset Until)[] marks = [("save", report.Saved), ("start", report.Answered), ("load", report.Loaded), ("resume", resumed)];
        BlackoutPart[] parts = [.. marks.Select((mark, i) => new BlackoutPart(mark.Name, (long)(mark.Until - (i == 0 ? stopped : marks[i - 1].Until)).TotalMilliseconds))];
        return new Blackout((long)(resumed - stopped).TotalMilliseconds, parts, IsExact: true);
    }

    private (MachineConfiguration Machine, ServerConfiguration Server, RestoreConfiguration Restore) Find(string name)
    {
        (RestoreConfiguration restore, ServerConfiguration server) = files.Read();
        return restore.Machines.FirstOrDefault(machine => machine.Name == name) is { } found ? (found, server, restore)
            : throw new MachineRequestException($"'vms' in nvwa-restore.yaml names no {name}; 'nvwa vm list' shows what there is");
    }

    private static async Task<QemuInstance> ConnectAsync(MachineConfiguration machine, CancellationToken cancellation)
    {
        try
        {
            return await MachineDiscovery.ConnectAsync(machine.Qmp, cancellation);
        }
        catch (StepFailedException silent)
        {
            throw new MachineRequestException($"{machine.Name}: {silent.Message}", silent);
        }
    }

    private static async Task<MachineReport> ReportAsync(SystemdBus systemd, MachineConfiguration machine, bool isConfigured, CancellationToken cancellation)
    {
        try
        {
            await using QemuInstance qemu = await MachineDiscovery.ConnectAsync(machine.Qmp, cancellation);
            return new MachineReport(
                machine.Name, machine.Qmp, isConfigured, MachineDiscovery.UnitOf(systemd, machine, qemu.Pid), qemu.Pid, qemu.Facts.Version.Number, qemu.Facts.Type,
                qemu.Facts.Status, qemu.Facts.Ram.Sum(ram => ram.Bytes) >> 20, null);
        }
        catch (Exception silent) when (StepFailedException.IsExpected(silent) || silent is QmpException or QmpTransportException)
        {
            return new MachineReport(machine.Name, machine.Qmp, isConfigured, machine.Unit, null, null, null, null, null, silent.Message);
        }
    }
}
