using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Daemon;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.Update;

namespace Nvwa.Tests.Simulation;

/// <summary>What a boot starts of nvwa's own, and the operator who asks for an update.</summary>
internal sealed partial class SimulatedMachine
{
    private async Task<int?> RunResumeAsync(SimulatedUnit unit, Workload workload)
    {
        SimulatedProcess resume = Spawn($"resume {workload.Name}", async (host, process) =>
            (int)await new Resume(host, line => Trace(line)).RunAsync(workload.Name, process.Terminated));
        unit.Main = resume;
        return await resume.Exit.Task;
    }

    private async Task BringUpAsync(string boot)
    {
        RunGenerators();
        if (_generated.Contains($"sysinit.target.wants/{LockHolder.Unit}"))
        {
            await HoldLocksAsync(boot);
        }

        if (boot == BootId && _generated.Contains($"sysinit.target.wants/{NetworkRestore.Unit}"))
        {
            await Spawn("network", async (host, process) =>
                (int)await new NetworkRestore(host, line => Trace(line)).RunAsync(process.Terminated)).Exit.Task;
        }

        if (boot != BootId)
        {
            return;
        }

        Trace("the network is up");
        StartDaemon();
        // queue.service is not enabled: somebody started it by hand.
        foreach (string unit in _units.Keys.Where(name => name != LockHolder.Unit && (name != Disabled || _boots == 1)).Concat(_generated.Where(name => name.Contains("nvwa-resume@", StringComparison.Ordinal)).Select(name => Path.GetFileName(name))).ToList())
        {
            Time.Post(_ => _ = boot == BootId ? StartAsync(unit) : Task.CompletedTask, null);
        }
    }

    private async Task HoldLocksAsync(string boot)
    {
        var ready = new TaskCompletionSource();
        SimulatedUnit unit = Unit(LockHolder.Unit);
        SimulatedProcess holder = Spawn("lock", async (host, process) => (int)await new LockHolder(
            host, cancellation => HangUpAsync(process), () => ready.TrySetResult(), line => Trace(line)).RunAsync(process.Terminated));
        unit.Main = holder;
        await Task.WhenAny(ready.Task, holder.Exit.Task);
        unit.State = ready.Task.IsCompleted ? UnitState.Active : UnitState.Failed;
        _ = WatchAsync();

        async Task WatchAsync()
        {
            int? code = await holder.Exit.Task;
            if (boot == BootId && unit.Main == holder)
            {
                unit.State = code == 0 && unit.State == UnitState.Active ? UnitState.Inactive : UnitState.Failed;
            }
        }
    }

    private async Task HangUpAsync(SimulatedProcess process)
    {
        while (process.HangUps == 0)
        {
            await process.HangUp.Task;
            Touch(process);
        }

        process.HangUps--;
        process.HangUp = new TaskCompletionSource();
    }

    private void StartDaemon()
    {
        TaskCompletionSource recovered = _recovered.Task.IsCompleted ? new TaskCompletionSource() : _recovered;
        _recovered = recovered;
        _daemon = Spawn("daemon", async (host, process) =>
        {
            await new Recovery(host, line => Trace(line)).RunAsync(process.Terminated);
            recovered.TrySetResult();
            await process.Exit.Task;
            return 0;
        });
    }

    private async Task UpdateAsync(string id)
    {
        while (!_recovered.Task.IsCompleted)
        {
            await _recovered.Task;
        }

        SimulatedProcess daemon = _daemon!;
        if (daemon.HasEnded || Disk.Read() is { IsOpen: true })
        {
            Trace("operator: update is refused");
            return;
        }

        Workload[] kept = [.. Kept.Where(workload => LifeOf(workload) is not null)];
        var plan = new UpdatePlan(
            id, new KernelImage(Kernel == "old" ? "new" : "old", "/boot/vmlinuz", "/boot/initrd"), "", kept, Others,
            new RestoreConfiguration([], [], Plan.RestoresNetwork), new ServerConfiguration());
        _update = new CancellationTokenSource();
        try
        {
            using var host = new FaultyHost(new SimulatedHost(this, daemon), new SimulatedFaults(this, daemon));
            RolledBack ended = await new UpdateRun(plan, host, _ => Task.CompletedTask, line => Trace(line)).RunAsync(_update.Token);
            Trace($"operator reads: {ended.During} failed: {ended.Reason}; {string.Join("; ", ended.Troubles)}");
        }
        catch (Exception) when (daemon.HasEnded)
        {
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            Trace($"operator reads: {failed.Message}");
        }
    }
}
