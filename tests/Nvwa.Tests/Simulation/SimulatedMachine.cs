using System.Globalization;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Restore;

namespace Nvwa.Tests.Simulation;

/// <summary>
/// A machine with two kernels, its systemd, its disk, and nvwa on it: the real runs over simulated collaborators. It boots as a
/// real one does: generator, packet lock, network, units and the daemon. Whoever takes a step may end there.
/// </summary>
internal sealed partial class SimulatedMachine
{
    /// <summary>The network as an operator has set it up by hand; a boot makes it <see cref="Default"/>.</summary>
    public const string Configured = "as configured";

    private const string Default = "as after any boot";
    private const string Disabled = "queue.service";

    public static readonly string[] Others = ["cron.service", "web.service"];

    private readonly Random _random;
    private readonly List<SimulatedProcess> _processes = [];
    private readonly List<string> _trace = [];
    private Dictionary<string, SimulatedUnit> _units = [];
    private HashSet<string> _generated = [];
    private int _steps;
    private bool _isUpdateRequested;
    private int _snapshots;
    private int _boots;
    private SimulatedProcess? _daemon;
    private TaskCompletionSource _recovered = new();
    private CancellationTokenSource? _update;

    public SimulatedMachine(Random random, Plan plan)
    {
        _random = random;
        Plan = plan;
        Time = new SimulatedTime(random);
        Disk = new SimulatedDisk(random);
    }

    public static List<Workload> Kept { get; } =
    [
        new("redis.service", WorkloadKind.Service, "redis.service", 601, [601], ServiceType.Notify, []),
        new("queue.service", WorkloadKind.Service, "queue.service", 602, [602], ServiceType.Simple, []),
        new("1800", WorkloadKind.Process, "nvwa-1800.scope", 1800, [1800], ServiceType.None, []),
    ];

    public Plan Plan { get; }

    public SimulatedTime Time { get; }

    public SimulatedDisk Disk { get; }

    /// <summary>The last that was started.</summary>
    public SimulatedProcess Daemon => _daemon!;

    public List<string> Violations { get; } = [];

    public List<Snapshot> Snapshots { get; } = [];

    public IEnumerable<string> History => _trace;

    /// <summary>The unit whose workload ended by itself.</summary>
    public string? Dead { get; private set; }

    public int Steps => _steps;

    public string Kernel { get; private set; } = "old";

    public string? LoadedKernel { get; set; }

    public string Network { get; set; } = Default;

    /// <summary>The boot in which the last update came to its end.</summary>
    public string? ClosedIn { get; set; }

    public string BootId => $"boot-{_boots}";

    /// <summary>By the index of the workload in the plan: who holds its packet lock.</summary>
    public Dictionary<int, SimulatedProcess> Locks { get; } = [];

    public IEnumerable<SimulatedUnit> Units => _units.Values;

    public void Trace(string line)
    {
        // What the dead still say is not heard.
        if (!line.Contains(nameof(EndedException), StringComparison.Ordinal))
        {
            _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_steps,4} {BootId} {line}"));
        }
    }

    /// <summary>A step of a process: it, or the machine, may end here.</summary>
    /// <param name="process">Whose step it is.</param>
    /// <param name="onEnd">What it leaves behind if it ends just here.</param>
    public void Touch(SimulatedProcess process, Action? onEnd = null)
    {
        if (process.HasEnded)
        {
            throw new EndedException();
        }

        // The first boot goes well; steps count from the operator's request on.
        _steps += _isUpdateRequested ? 1 : 0;
        if (Plan.CancelAt > 0 && _steps == Plan.CancelAt)
        {
            Trace("operator: cancel");
            _update?.Cancel();
        }

        if (Plan.DeathAt > 0 && _steps >= Plan.DeathAt && _units.Values.FirstOrDefault(unit => unit.Life is { IsRestored: true }) is { } dying)
        {
            Plan.DeathAt = 0;
            Trace($"{dying.Name} ends by itself");
            Dead = dying.Name;
            Die(dying);
        }

        if (Plan.Ends.Remove(_steps, out bool power))
        {
            onEnd?.Invoke();
            if (power)
            {
                CutPower();
            }
            else
            {
                Kill(process);
            }

            throw new EndedException();
        }
    }

    /// <summary>systemd starts it again, unless its drop-in says not to.</summary>
    private void Die(SimulatedUnit unit)
    {
        unit.Life = null;
        if (unit.State == UnitState.Active)
        {
            unit.State = UnitState.Failed;
            if (!_generated.Contains($"{unit.Name}.d/zz-nvwa.conf"))
            {
                Time.Post(_ => _ = StartAsync(unit.Name), null);
            }
        }
    }

    public async Task StepAsync(SimulatedProcess process)
    {
        Touch(process);
        await Time.Yield();
        Touch(process);
    }

    public void Kill(SimulatedProcess process)
    {
        Trace($"{process.Name}: killed");
        Drop(process, exitCode: null);
    }

    public void CutPower()
    {
        Trace("the power goes");
        Disk.LosePower();
        Boot(_random.Next(2) == 0 ? "old" : "new");
    }

    /// <summary>Memory is gone, and so is what the disk had not been told to keep.</summary>
    public void Boot(string kernel)
    {
        // First of all: whoever waits for one that ends now must see that this is another boot.
        _boots++;
        foreach (SimulatedProcess process in _processes.ToList())
        {
            process.End(null);
        }

        _processes.Clear();
        Locks.Clear();
        LoadedKernel = null;
        Network = Default;
        Kernel = kernel;
        _units = Others.Concat(Kept.Where(workload => workload.Kind == WorkloadKind.Service).Select(workload => workload.Unit))
            .Append(LockHolder.Unit).ToDictionary(name => name, name => new SimulatedUnit(name), StringComparer.Ordinal);
        _recovered = new TaskCompletionSource();
        Trace($"boots {kernel}");
        Time.Post(_ => _ = BringUpAsync(BootId), null);
    }

    /// <summary>A person starts it by hand.</summary>
    public void StartProcesses()
    {
        foreach (Workload workload in Kept.Where(workload => workload.Kind == WorkloadKind.Process && LifeOf(workload) is null))
        {
            Unit(workload.Unit).Life = new Life(workload.Name, isOriginal: true);
        }
    }

    public Life? LifeOf(Workload workload) => Unit(workload.Unit).Life;

    public SimulatedUnit Unit(string name)
    {
        if (!_units.TryGetValue(name, out SimulatedUnit? unit))
        {
            unit = new SimulatedUnit(name);
            _units[name] = unit;
        }

        return unit;
    }

    public Snapshot Dump(Life life)
    {
        var snapshot = new Snapshot(life.Workload, ++_snapshots);
        Snapshots.Add(snapshot);
        life.Dumped = snapshot;
        return snapshot;
    }

    /// <summary>Somebody lives on from what was saved.</summary>
    public void LiveOn(Snapshot snapshot)
    {
        snapshot.Lives++;
        Trace($"{snapshot} runs");
        if (snapshot.Lives > 1)
        {
            Violations.Add($"{snapshot} runs for the second time");
        }
    }

    /// <summary>Asks the daemon for an update, when it has done what was left to do.</summary>
    public void RequestUpdate(string id)
    {
        _isUpdateRequested = true;
        Network = Configured;
        Time.Post(_ => _ = UpdateAsync(id), null);
    }

    /// <summary>What the generator has told systemd.</summary>
    public IReadOnlyCollection<string> Generated => _generated;

    public void RunGenerators()
    {
        UpdateState? open = Disk.ReadOpen();
        _generated = [.. Generator.Files(open, BootId).Keys];
    }

    public async Task<string> StartAsync(string name)
    {
        SimulatedUnit unit = Unit(name);
        if (unit.State == UnitState.Active)
        {
            return SystemdJobResult.Done;
        }

        if (unit.Starting is { } starting)
        {
            return await starting.Task;
        }

        unit.State = UnitState.Activating;
        var job = new TaskCompletionSource<string>();
        unit.Starting = job;
        string boot = BootId;
        await Time.Yield();
        if (boot != BootId || unit.Starting != job)
        {
            return "canceled";
        }

        if (Kept.FirstOrDefault(workload => Resume.UnitOf(workload) == name) is { } process)
        {
            int? code = await RunResumeAsync(unit, process);
            EndJob(unit, job, code == 0);
        }
        else if (Kept.FirstOrDefault(workload => workload.Unit == name) is { } service && _generated.Contains($"{name}.d/zz-nvwa.conf"))
        {
            await RunResumeAsync(unit, service);
            if (unit.Starting == job)
            {
                // It ended without a word: systemd kills what is left in the cgroup.
                unit.Life = null;
                EndJob(unit, job, done: false);
            }
        }
        else
        {
            if (Kept.FirstOrDefault(workload => workload.Unit == name) is { } cold)
            {
                Trace($"{name} starts cold");
                unit.Life = new Life(cold.Name, isOriginal: false);
            }

            EndJob(unit, job, done: true);
        }

        return await job.Task;
    }

    public void Stop(string name)
    {
        SimulatedUnit unit = Unit(name);
        TaskCompletionSource<string>? job = unit.Starting;
        unit.Starting = null;
        if (unit.Main is { HasEnded: false } main)
        {
            Trace($"systemd ends {main.Name}");
            main.Terminate();
            Drop(main, exitCode: 0);
        }

        unit.Main = null;
        unit.Life = null;
        unit.State = UnitState.Inactive;
        job?.TrySetResult("canceled");
    }

    /// <summary>READY=1 of a service's restore.</summary>
    public void Announced(SimulatedProcess resume)
    {
        SimulatedUnit unit = _units.Values.First(unit => unit.Main == resume);
        unit.Main = null;
        EndJob(unit, unit.Starting!, done: true);
    }

    /// <summary>A process of nvwa's: the real code, until it ends or is ended.</summary>
    public SimulatedProcess Spawn(string name, Func<IHost, SimulatedProcess, Task<int>> run)
    {
        var process = new SimulatedProcess(name);
        _processes.Add(process);
        Time.Post(_ => _ = RunAsync(process, run), null);
        return process;
    }

    private async Task RunAsync(SimulatedProcess process, Func<IHost, SimulatedProcess, Task<int>> run)
    {
        int? code = null;
        try
        {
            using var host = new FaultyHost(new SimulatedHost(this, process), new SimulatedFaults(this, process));
            code = await run(host, process);
        }
        catch (Exception ended) when (process.HasEnded || ended is OperationCanceledException)
        {
            return;
        }
        catch (Exception failed)
        {
            Trace($"{process.Name}: {failed.GetType().Name}: {failed.Message}");
            if (!StepFailedException.IsExpected(failed))
            {
                Violations.Add($"{process.Name} broke: {failed}");
            }

            code = 1;
        }

        if (!process.HasEnded)
        {
            Trace($"{process.Name}: exit {code}");
            Drop(process, code);
        }
    }

    private void Drop(SimulatedProcess process, int? exitCode)
    {
        _processes.Remove(process);
        foreach ((int index, _) in Locks.Where(held => held.Value == process).ToList())
        {
            Locks.Remove(index);
        }

        bool killed = !process.HasEnded && exitCode is null;
        process.End(exitCode);
        if (process == _daemon && killed)
        {
            // Restart=on-failure.
            Time.Post(_ => StartDaemon(), null);
        }
    }

    private static void EndJob(SimulatedUnit unit, TaskCompletionSource<string> job, bool done)
    {
        if (unit.Starting == job)
        {
            unit.Starting = null;
            unit.State = done ? UnitState.Active : UnitState.Failed;
        }

        job.TrySetResult(done ? SystemdJobResult.Done : "failed");
    }
}
