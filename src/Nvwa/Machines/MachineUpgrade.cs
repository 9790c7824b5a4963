using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Machines;

/// <summary><c>nvwa vm upgrade</c>: another QEMU under a machine, while the kernel stays.</summary>
internal sealed class MachineUpgrade(SystemdBus systemd, MachineConfiguration machine, string criuDir)
{
    /// <summary>Also where no upgrade is made: what would be in the way of one, and of each mode.</summary>
    /// <param name="qemu">The machine's.</param>
    /// <param name="unit">That runs it; null for none.</param>
    /// <param name="program">The new one.</param>
    /// <param name="mode">That was asked for; null for the best.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<(IReadOnlyList<CheckResult> Results, MigrationMode Mode)> CheckAsync(
        QemuInstance qemu, string? unit, string program, MigrationMode? mode, CancellationToken cancellation)
    {
        MigrationMode chosen = mode ?? LiveUpdate.Best(qemu, mayTransfer: unit is null);
        IReadOnlyList<string> obstacles = await MachineFacts.ObstaclesAsync(qemu.Qmp, qemu.Features, chosen, cancellation);
        List<CheckResult> results = [.. MachineChecks.ForAnyChange(machine, qemu, obstacles)];
        string? obstacle = LiveUpdate.Obstacle(qemu, chosen)
            ?? (chosen == MigrationMode.CprTransfer && unit is not null ? $"systemd would lose {unit}, whose main process would be another one" : null);
        results.Add(obstacle is null
            ? CheckResult.Pass(MachineChecks.Name, machine.Name, $"can be taken to another QEMU by {chosen.Name()}")
            : CheckResult.Refuse(MachineChecks.Name, machine.Name, $"cannot be taken to another QEMU by {chosen.Name()}: {obstacle}", "leave --mode out, or start the machine with -machine aux-ram-share=on and memory-backend-memfd,share=on"));
        if (qemu.Facts.Passthrough is [var device, ..] && chosen is not (MigrationMode.CprExec or MigrationMode.CprTransfer))
        {
            results.Add(CheckResult.Refuse(MachineChecks.Name, machine.Name, $"drives a device of the host ({device}), which {chosen.Name()} cannot hand over", "unplug the device before, or use cpr-exec or cpr-transfer"));
        }

        results.Add(await MachineChecks.ProgramAsync(machine, qemu, program, chosen, cancellation));
        return (results, chosen);
    }

    /// <exception cref="MigrationException">It failed; the message says what became of the machine.</exception>
    public async Task<LiveUpdateReport> RunAsync(QemuInstance qemu, string? unit, string? program, MigrationMode mode, CancellationToken cancellation)
    {
        PrivateDirectory.Create(criuDir);
        string directory = UnfinishedUpgrade.DirectoryOf(criuDir, machine.Name);
        PrivateDirectory.Create(directory);
        try
        {
            string state = UnfinishedUpgrade.StateIn(directory);
            // The machine runs: what an earlier upgrade left of it is not what it is now.
            File.Delete(state);
            var note = UnfinishedUpgrade.Of(qemu, machine.Name, unit, program, mode);
            note.Write(directory);
            if (unit is null)
            {
                return await new LiveUpdate(qemu, new TransientLauncher(systemd, machine.Name, qemu.Pid, note.Settings), state).RunAsync(mode, program, cancellation);
            }

            using var launcher = new UnitLauncher(systemd, unit);
            if (mode != MigrationMode.CprExec)
            {
                launcher.HoldRestarts();
            }

            return await new LiveUpdate(qemu, launcher, state).RunAsync(mode, program, cancellation);
        }
        finally
        {
            UnfinishedUpgrade.Remove(directory);
        }
    }
}
