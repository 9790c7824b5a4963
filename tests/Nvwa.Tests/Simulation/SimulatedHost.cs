using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Tests.Simulation;

/// <summary>The machine as one of its processes sees it.</summary>
internal sealed class SimulatedHost(SimulatedMachine machine, SimulatedProcess process) : IHost
{
    private readonly string _bootId = machine.BootId;

    public IUpdateJournal Journal { get; } = new SimulatedJournal(machine, process);

    public string BootId => _bootId;

    public string Release => machine.Kernel;

    public int PanicTimeout { get; set; }

    public Stamp Now() => new(machine.Time.Now, machine.Time.Now);

    public async Task<RtcTick?> TickAsync(CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        return null;
    }

    public async Task PauseAsync(TimeSpan length, CancellationToken cancellation)
    {
        machine.Touch(process);
        await machine.Time.PauseAsync(length, cancellation);
        machine.Touch(process);
    }

    public async Task<string> LoadKernelAsync(UpdatePlan plan, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        machine.LoadedKernel = plan.Kernel.Version;
        return "loaded";
    }

    public void UnloadKernel()
    {
        machine.Touch(process);
        machine.LoadedKernel = null;
    }

    public void Jump()
    {
        machine.Touch(process);
        if (machine.LoadedKernel is not { } kernel)
        {
            throw new LinuxException("reboot", "the loaded kernel", Errno.EINVAL);
        }

        machine.Disk.LosePower();
        machine.Boot(kernel);
        throw new EndedException();
    }

    public async Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAllAsync(IReadOnlyList<string> units, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        foreach (string unit in units)
        {
            machine.Stop(unit);
        }

        return units.ToDictionary(unit => unit, _ => new SystemdJobResult(SystemdJobResult.Done));
    }

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopOnlyAsync(IReadOnlyList<string> units, CancellationToken cancellation) =>
        StopAllAsync(units, cancellation);

    public IReadOnlyList<string> DownDependents(IReadOnlyList<string> units)
    {
        machine.Touch(process);
        return [];
    }

    public async Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAllAsync(IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        string[] results = await Task.WhenAll(units.Select(machine.StartAsync));
        machine.Touch(process);
        return units.Zip(results).ToDictionary(result => result.First, result => new SystemdJobResult(result.Second));
    }

    public async Task ApplySettingsAsync(IReadOnlyList<string> services, CancellationToken cancellation) => await machine.StepAsync(process);

    public bool IsDown(string unit)
    {
        machine.Touch(process);
        return machine.Unit(unit).State is UnitState.Inactive or UnitState.Failed;
    }

    public string DigestOfUnitFiles(string unit) => "";

    public bool HasFailed(string unit)
    {
        machine.Touch(process);
        return machine.Unit(unit).State == UnitState.Failed;
    }

    public async Task FreezeAsync(Workload workload, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        Life life = machine.Unit(workload.Unit).Life ?? throw new SystemdException("FreezeUnit", workload.Unit, "NotActive", "not active");
        life.IsFrozen = true;
        await machine.StepAsync(process);
    }

    public void SetAside(ImageStore images, Workload workload)
    {
    }

    public Task<string?> ThawAsync(ImageStore images, Workload workload)
    {
        machine.Touch(process);
        if (machine.Unit(workload.Unit).Life is not { IsFrozen: true } life)
        {
            return Task.FromResult<string?>(null);
        }

        if (life.IsBeingDumped)
        {
            machine.Violations.Add($"{workload.Unit} is thawed while CRIU dumps it");
        }

        life.IsFrozen = false;
        if (life.Dumped is { } snapshot)
        {
            machine.LiveOn(snapshot);
            life.Dumped = null;
        }

        machine.Touch(process);
        return Task.FromResult<string?>(null);
    }

    public void Stop(string unit)
    {
        machine.Touch(process);
        machine.Stop(unit);
    }

    public void Forget(string unit) => Stop(unit);

    public void Restart(string unit)
    {
        machine.Touch(process);
        machine.Stop(unit);
        machine.Time.Post(_ => _ = machine.StartAsync(unit), null);
    }

    public void Reload()
    {
        machine.Touch(process);
        machine.RunGenerators();
    }

    public void RelinquishJournald() => machine.Touch(process);

    public void ReturnJournald() => machine.Touch(process);

    public async Task SyncAsync(CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        machine.Disk.Sync();
    }

    public Task GatherAsync(Workload workload, CancellationToken cancellation) => machine.StepAsync(process);

    public void RemoveEarlierImages(ImageStore images) => machine.Touch(process);

    public async Task<IDumper> PrepareDumpAsync(UpdatePlan plan, int index, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        return new SimulatedDumper(machine, process, plan.Workloads[index]);
    }

    public async Task AwaitDumpsAsync()
    {
        await machine.StepAsync(process);
        while (machine.Units.Any(unit => unit.Life is { IsBeingDumped: true }))
        {
            await PauseAsync(TimeSpan.FromSeconds(1), CancellationToken.None);
        }
    }

    public IReadOnlyList<KeptEndpoint> Endpoints(Workload workload)
    {
        machine.Touch(process);
        return [new KeptEndpoint("tcp", $"192.0.2.1:{workload.MainPid}", null)];
    }

    public Unsettled Unsettled(IReadOnlyList<Workload> workloads)
    {
        machine.Touch(process);
        return new Unsettled(null, 0);
    }

    public int? Stray(Workload workload)
    {
        machine.Touch(process);
        return null;
    }

    public void RemoveImages(ImageStore images, Workload workload)
    {
        machine.Touch(process);
        machine.Disk.WriteImages(workload.Name, null);
    }

    public IPacketLock OpenPacketLock() => new SimulatedLock(machine, process);

    public void TellLockHolder()
    {
        machine.Touch(process);
        if (machine.Unit(LockHolder.Unit).Main is { HasEnded: false } holder)
        {
            holder.HangUps++;
            holder.HangUp.TrySetResult();
        }
    }

    public async Task<SavedNetwork> SaveNetworkAsync(CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        machine.Disk.Network = machine.Network;
        return new SavedNetwork(1, machine.Network, []);
    }

    public async Task<IReadOnlyList<string>> RestoreNetworkAsync(NetworkState network, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        if (machine.Disk.Network != network.Digest)
        {
            throw new InvalidDataException("network.json is not what was saved");
        }

        machine.Network = network.Digest;
        await machine.StepAsync(process);
        return [];
    }

    public void ForgetNetwork()
    {
        machine.Touch(process);
        machine.Disk.Network = null;
    }

    public IReadOnlyList<KeptAddress> Addresses()
    {
        machine.Touch(process);
        return [new KeptAddress("192.0.2.1", 24, "eth0")];
    }

    public async Task<IReadOnlyList<string>> BringUpAsync(IReadOnlyList<KeptAddress> addresses, IReadOnlyList<KeptEndpoint> endpoints, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        return [];
    }

    public Task AwaitAddressesAsync(IReadOnlyList<KeptEndpoint> endpoints, TimeSpan patience, CancellationToken cancellation) => machine.StepAsync(process);

    public async Task VerifyImagesAsync(ImageStore images, WorkloadState workload, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        if (machine.Disk.Images(workload.Workload.Name)?.ToString() != workload.Digest)
        {
            throw new InvalidDataException($"{workload.Workload.Name}: pages-1.img is damaged");
        }
    }

    public async Task<RestoredProcess> RestoreAsync(UpdateState state, Workload workload, Action boundary, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        if (machine.LifeOf(workload) is not null)
        {
            throw new StepFailedException($"Can't fork for {workload.MainPid}: File exists", canPass: true);
        }

        Snapshot snapshot = machine.Disk.Images(workload.Name) ?? throw new StepFailedException("no images");
        try
        {
            boundary();
        }
        catch (Exception failed) when (failed is not EndedException)
        {
            throw new StepFailedException($"CRIU refused Restore: {failed.Message}", failed);
        }

        if (machine.Plan.CriuFailsAfterTheBoundary)
        {
            machine.Plan.CriuFailsAfterTheBoundary = false;
            machine.Trace($"{process.Name}: CRIU fails after the boundary");
            throw new StepFailedException("CRIU refused Restore");
        }

        // CRIU has its answer: the workload runs, whether its client lives or not.
        machine.LiveOn(snapshot);
        machine.Unit(workload.Unit).Life = new Life(workload.Name, isOriginal: false) { IsRestored = true };
        await machine.StepAsync(process);
        return new RestoredProcess(workload.MainPid);
    }

    public string? LastLog(ImageStore images, Workload workload) => null;

    public void Announce(Workload workload, int mainPid)
    {
        machine.Touch(process);
        machine.Announced(process);
    }

    public bool IsAlive(Workload workload, int mainPid)
    {
        machine.Touch(process);
        return machine.LifeOf(workload) is not null;
    }

    public async Task<int?> FinishRestoreAsync(Workload workload, CancellationToken cancellation)
    {
        await machine.StepAsync(process);
        return machine.LifeOf(workload) is null ? null : workload.MainPid;
    }

    public void Dispose()
    {
    }

    /// <summary>It outlives the daemon that asked for it.</summary>
    private sealed class SimulatedDumper(SimulatedMachine machine, SimulatedProcess process, Workload workload) : IDumper
    {
        public Workload Workload => workload;

        public async Task<DumpedImages> DumpAsync(CancellationToken cancellation)
        {
            machine.Touch(process);
            Life life = machine.LifeOf(workload)!;
            if (!life.IsFrozen)
            {
                machine.Violations.Add($"{workload.Name} is dumped while it runs");
            }

            life.IsBeingDumped = true;
            string boot = machine.BootId;
            var done = new TaskCompletionSource<Snapshot>();
            _ = DumpAsync(life, boot, done);
            Snapshot snapshot = await done.Task;
            machine.Touch(process);
            return new DumpedImages(1 << 20, $"{snapshot}");
        }

        public Task ConfirmAsync() => machine.StepAsync(process);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task DumpAsync(Life life, string boot, TaskCompletionSource<Snapshot> done)
        {
            for (int i = 0; i < 4; i++)
            {
                await machine.Time.Yield();
            }

            if (boot == machine.BootId)
            {
                life.IsBeingDumped = false;
                Snapshot snapshot = machine.Dump(life);
                machine.Disk.WriteImages(workload.Name, snapshot);
                done.TrySetResult(snapshot);
            }
        }
    }

    private sealed class SimulatedLock(SimulatedMachine machine, SimulatedProcess process) : IPacketLock
    {
        public void Hold(int index, IReadOnlyList<KeptEndpoint> endpoints)
        {
            machine.Touch(process);
            machine.Locks[index] = process;
        }

        public void HoldNewcomers(int index, IReadOnlyList<KeptEndpoint> endpoints) => machine.Touch(process);

        public void Release(int index)
        {
            machine.Touch(process);
            machine.Locks.Remove(index);
        }

        public void Dispose()
        {
            foreach ((int index, _) in machine.Locks.Where(held => held.Value == process).ToList())
            {
                machine.Locks.Remove(index);
            }
        }
    }
}
