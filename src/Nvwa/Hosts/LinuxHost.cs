using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.Restore;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Hosts;

/// <summary>The machine that nvwa runs on.</summary>
internal sealed partial class LinuxHost(IUpdateJournal journal, Action<string> log) : IHost
{
    private const string Panic = "kernel.panic";

    /// <summary>Stopping what is not kept may take as long as systemd's own default for one unit, and a little.</summary>
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(100);

    /// <summary>systemd.unit(5): the other side of Requires= and BindsTo=.</summary>
    private static readonly string[] Dependents = ["RequiredBy", "BoundBy"];

    private static readonly TimeSpan LoadDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan UnitDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FreezeDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SyncDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan JournaldDeadline = TimeSpan.FromSeconds(60);

    private readonly Lazy<SystemdBus> _systemd = new(SystemdBus.Connect);

    public IUpdateJournal Journal => journal;

    public string BootId { get; } = $"{ProcFs.BootId}";

    public string Release => ProcFs.KernelRelease;

    private SystemdBus Systemd => _systemd.Value;

    public Stamp Now() => Moment.Now();

    public async Task<RtcTick?> TickAsync(CancellationToken cancellation) =>
        await RtcClock.MeasureAsync(cancellation) is { } reading ? new RtcTick(reading.RtcSeconds, reading.BoottimeNanoseconds) : null;

    public Task PauseAsync(TimeSpan length, CancellationToken cancellation) => Task.Delay(length, TimeProvider.System, cancellation);

    /// <summary>
    /// By the kernel itself, which checks signatures where it must; kexec(8) only where a kernel lacks that system call or
    /// quick kexec is asked for, never to get around a refusal.
    /// </summary>
    public async Task<string> LoadKernelAsync(UpdatePlan plan, CancellationToken cancellation)
    {
        bool quick = plan.Restore.EnableQuickKexec && HostChecks.HasQuickKexec();
        if (Kexec.HasFileLoad && !quick)
        {
            Kexec.Load(plan.Kernel.Kernel, plan.Kernel.Initrd, plan.CommandLine);
            return $"{plan.Kernel.Kernel} is loaded";
        }

        string[] arguments = [quick ? "-q" : "-l", plan.Kernel.Kernel, $"--initrd={plan.Kernel.Initrd}", $"--append={plan.CommandLine}"];
        SpawnResult loaded = await Spawn.RunAsync(new SpawnRequest(plan.Server.KexecExe, arguments), LoadDeadline, cancellation);
        return loaded.ExitCode == 0
            ? $"{plan.Kernel.Kernel} is loaded by {plan.Server.KexecExe}"
            : throw new StepFailedException($"{plan.Server.KexecExe} could not load {plan.Kernel.Kernel}: {loaded.Error.Trim()}");
    }

    public void UnloadKernel()
    {
        if (Kexec.IsLoaded)
        {
            Kexec.Unload();
        }
    }

    public int PanicTimeout
    {
        get => Sysctl.Read(Panic);
        set => Sysctl.Write(Panic, value);
    }

    public void Jump() => Kexec.Execute();

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAllAsync(IReadOnlyList<string> units, CancellationToken cancellation) =>
        Systemd.StopAllAsync(units, StopDeadline, cancellation);

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopOnlyAsync(IReadOnlyList<string> units, CancellationToken cancellation) =>
        Systemd.StopOnlyAsync(units, StopDeadline, cancellation);

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAllAsync(IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellation) =>
        Systemd.StartAllAsync(units, deadline, cancellation);

    public async Task ApplySettingsAsync(IReadOnlyList<string> services, CancellationToken cancellation)
    {
        // Of units that run systemd (257, cgroup.c) only looks at the family of one that starts: without it, limits that the
        // drop-ins had lifted would stay so until something starts in the same slice.
        HashSet<string> done = [];
        foreach ((int index, string service) in services.Index())
        {
            try
            {
                string slice = Systemd.GetString(service, SystemdInterface.Service, "Slice");
                if (slice.Length == 0 || !done.Add(slice))
                {
                    continue;
                }

                var unit = new SystemdTransientService($"nvwa-settings-{index}.service", ["/usr/bin/true"])
                {
                    Description = $"Has systemd apply the settings of units in {slice}",
                    Slice = slice,
                    Type = "oneshot",
                };
                await Systemd.StartTransientServiceAsync(unit, UnitDeadline, cancellation);
            }
            catch (Exception failed) when (failed is SystemdException or LinuxException)
            {
                log($"limits of {service} may hold only when something starts in its slice: {failed.Message}");
            }
        }
    }

    public IReadOnlyList<string> DownDependents(IReadOnlyList<string> units) =>
    [
        .. units.SelectMany(unit => Dependents.SelectMany(property => Systemd.GetStrings(unit, SystemdInterface.Unit, property)))
            .Distinct().Where(unit => unit.EndsWith(".service", StringComparison.Ordinal) && IsDown(unit)),
    ];

    public bool IsDown(string unit) => State(unit) is "inactive" or "failed" or "deactivating";

    public bool HasFailed(string unit) => State(unit) == "failed";

    public string DigestOfUnitFiles(string unit) => UnitFiles.Of(Systemd, unit).Digest();

    public Task FreezeAsync(Workload workload, CancellationToken cancellation) =>
        Task.Run(() => Systemd.Freeze(workload.Unit, FreezeDeadline), cancellation);

    public void SetAside(ImageStore images, Workload workload)
    {
        if (workload.Machine is { IsSavedAsleep: true })
        {
            UnfinishedUpgrade.SetAside(workload, images.Of(workload), images.Aside(workload));
        }
    }

    public async Task<string?> ThawAsync(ImageStore images, Workload workload)
    {
        if (workload.Machine is not null)
        {
            return await MachineDumper.TakeBackAsync(workload, images.Aside(workload));
        }

        if (Systemd.GetString(workload.Unit, SystemdInterface.Unit, "FreezerState") is "frozen" or "freezing")
        {
            Systemd.Thaw(workload.Unit, FreezeDeadline);
        }

        return null;
    }

    public void Stop(string unit) => Systemd.Stop(unit);

    public void Forget(string unit)
    {
        Stop(unit);
        try
        {
            Systemd.ResetFailed(unit);
        }
        catch (SystemdException unknown) when (unknown.ErrorName == SystemdError.NoSuchUnit)
        {
            // It is not loaded any more, so it is not among them.
        }
    }

    public void Restart(string unit) => Systemd.Restart(unit, SystemdBus.IgnoreDependencies);

    public void Reload() => Systemd.Reload();

    public void RelinquishJournald()
    {
        Journald.Synchronize(JournaldDeadline);
        Journald.RelinquishVar(JournaldDeadline);
    }

    public void ReturnJournald() => Journald.FlushToVar(JournaldDeadline);

    public Task SyncAsync(CancellationToken cancellation) => FileSystems.SyncAllAsync(SyncDeadline, cancellation);

    public void RemoveImages(ImageStore images, Workload workload) => images.RemoveImages(workload);

    public void RemoveEarlierImages(ImageStore images) => images.RemoveEarlier();

    public IPacketLock OpenPacketLock() => new NftLock();

    public void TellLockHolder()
    {
        if (State(LockHolder.Unit) == "active")
        {
            Systemd.KillUnit(LockHolder.Unit, "main", HangUp);
        }
    }

    public bool IsAlive(Workload workload, int mainPid) =>
        ProcFs.Read(mainPid) is { State: not 'Z', ControlGroup: { } group }
        && Systemd.ControlGroup(workload.Unit) is { } unit && group.StartsWith(unit, StringComparison.Ordinal);

    public async Task<int?> FinishRestoreAsync(Workload workload, CancellationToken cancellation)
    {
        // A machine's QEMU has another PID after its restore, which only its unit knows.
        int pid = workload.Machine is null ? workload.MainPid : MainPidOf(workload);
        return IsAlive(workload, pid) && (workload.Machine is null || await MachineDumper.FinishRestoreAsync(workload, pid, cancellation)) ? pid : null;
    }

    private int MainPidOf(Workload workload) => (int)Systemd.GetUInt32(workload.Unit, SystemdInterface.Service, "MainPID");

    public void Dispose()
    {
        if (_systemd.IsValueCreated)
        {
            _systemd.Value.Dispose();
        }
    }

    private string State(string unit) => Systemd.GetString(unit, SystemdInterface.Unit, "ActiveState");

    /// <summary>The packet lock of each workload is an nftables table of its own, so that each can be opened by itself.</summary>
    private sealed class NftLock : IPacketLock
    {
        private readonly PacketLock _packets = PacketLock.Open();

        public void Hold(int index, IReadOnlyList<KeptEndpoint> endpoints) => _packets.Hold(TableOf(index), Locked(endpoints));

        public void HoldNewcomers(int index, IReadOnlyList<KeptEndpoint> endpoints) => _packets.HoldNewcomers(TableOf(index), Locked(endpoints));

        public void Release(int index) => _packets.Release(TableOf(index));

        public void Dispose() => _packets.Dispose();

        private static IReadOnlyList<LockedEndpoint> Locked(IReadOnlyList<KeptEndpoint> endpoints) =>
        [
            .. endpoints.Select(endpoint => new LockedEndpoint(
                endpoint.Protocol == "udp" ? InetProtocol.Udp : InetProtocol.Tcp, endpoint.LocalEndPoint(), endpoint.RemoteEndPoint())),
        ];

        private static string TableOf(int index) => $"nvwa_{index}";
    }
}
