using Nvwa.Core;
using Nvwa.Core.Faults;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Hosts;

/// <summary>
/// A host whose steps fail where its faults say so, with the error that the real collaborator would give. It stands before the
/// real host and the simulated one alike.
/// </summary>
internal sealed class FaultyHost(IHost host, IFaults faults) : IHost
{
    private readonly FaultyJournal _journal = new(host.Journal, faults);

    public IUpdateJournal Journal => _journal;

    public string BootId => host.BootId;

    public string Release => host.Release;

    public int PanicTimeout
    {
        get => host.PanicTimeout;
        set => host.PanicTimeout = value;
    }

    public Stamp Now() => host.Now();

    public Task<RtcTick?> TickAsync(CancellationToken cancellation) => host.TickAsync(cancellation);

    public Task PauseAsync(TimeSpan length, CancellationToken cancellation) => host.PauseAsync(length, cancellation);

    public async Task<string> LoadKernelAsync(UpdatePlan plan, CancellationToken cancellation)
    {
        Throw(Fault.KexecRefuses, () => new LinuxException("kexec_file_load", plan.Kernel.Kernel, Errno.EKEYREJECTED));
        string done = await host.LoadKernelAsync(plan, cancellation);
        End(Fault.LoadCrash, Fault.LoadPowerCut);
        return done;
    }

    public void UnloadKernel() => host.UnloadKernel();

    public void Jump()
    {
        End(Fault.SwitchCrash, Fault.SwitchPowerCut);
        Throw(Fault.JumpFails, () => new LinuxException("reboot", "the loaded kernel", Errno.EINVAL));
        host.Jump();
    }

    public async Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAllAsync(IReadOnlyList<string> units, CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, SystemdJobResult> results = await host.StopAllAsync(units, cancellation);
        End(Fault.QuiesceCrash, Fault.QuiescePowerCut);
        return faults.Take(Fault.UnitDoesNotStop)
            ? results.ToDictionary(result => result.Key, _ => new SystemdJobResult(SystemdJobResult.Pending))
            : results;
    }

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopOnlyAsync(IReadOnlyList<string> units, CancellationToken cancellation) =>
        host.StopOnlyAsync(units, cancellation);

    public IReadOnlyList<string> DownDependents(IReadOnlyList<string> units) => host.DownDependents(units);

    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAllAsync(IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellation)
    {
        Throw(Fault.StartFails, () => new SystemdException("StartUnit", null, "org.freedesktop.DBus.Error.NoReply", "no reply"));
        return host.StartAllAsync(units, deadline, cancellation);
    }

    public Task ApplySettingsAsync(IReadOnlyList<string> services, CancellationToken cancellation) => host.ApplySettingsAsync(services, cancellation);

    public bool IsDown(string unit) => host.IsDown(unit);

    public bool HasFailed(string unit) => host.HasFailed(unit);

    public string DigestOfUnitFiles(string unit) => host.DigestOfUnitFiles(unit);

    public async Task FreezeAsync(Workload workload, CancellationToken cancellation)
    {
        await host.FreezeAsync(workload, cancellation);
        Throw(Fault.FreezeTimesOut, () => new SystemdException("FreezeUnit", workload.Unit, "org.freedesktop.DBus.Error.NoReply", "no reply"));
    }

    public void SetAside(ImageStore images, Workload workload) => host.SetAside(images, workload);

    public async Task<string?> ThawAsync(ImageStore images, Workload workload)
    {
        Throw(Fault.ThawFails, () => new SystemdException("ThawUnit", workload.Unit, "org.freedesktop.DBus.Error.NoReply", "no reply"));
        string? trouble = await host.ThawAsync(images, workload);
        End(Fault.RollBackCrash, Fault.RollBackPowerCut);
        return trouble;
    }

    public void Stop(string unit) => host.Stop(unit);

    public void Forget(string unit) => host.Forget(unit);

    public void Restart(string unit) => host.Restart(unit);

    public void Reload() => host.Reload();

    public void RelinquishJournald() => host.RelinquishJournald();

    public void ReturnJournald() => host.ReturnJournald();

    public Task SyncAsync(CancellationToken cancellation)
    {
        Throw(Fault.SyncTimesOut, () => new TimeoutException("syncing /mnt did not end in time"));
        Throw(Fault.SyncFails, () => new LinuxException("syncfs", "/", Errno.EIO));
        return host.SyncAsync(cancellation);
    }

    public Task GatherAsync(Workload workload, CancellationToken cancellation) => host.GatherAsync(workload, cancellation);

    public void RemoveEarlierImages(ImageStore images) => host.RemoveEarlierImages(images);

    public async Task<IDumper> PrepareDumpAsync(UpdatePlan plan, int index, CancellationToken cancellation)
    {
        string name = plan.Workloads[index].Name;
        Throw(Fault.CriuDoesNotStart, () => new StepFailedException($"{plan.Server.CriuExe} does not answer"), name);
        IDumper dumper = await host.PrepareDumpAsync(plan, index, cancellation);
        End(Fault.PrepareCrash, Fault.PreparePowerCut, name);
        return new FaultyDumper(dumper, this);
    }

    public Task AwaitDumpsAsync() => host.AwaitDumpsAsync();

    public IReadOnlyList<KeptEndpoint> Endpoints(Workload workload) => host.Endpoints(workload);

    public Unsettled Unsettled(IReadOnlyList<Workload> workloads) => host.Unsettled(workloads);

    public int? Stray(Workload workload) => host.Stray(workload);

    public void RemoveImages(ImageStore images, Workload workload)
    {
        Throw(Fault.ImagesNotRemoved, () => new IOException($"{images.Of(workload)}: Input/output error"), workload.Name);
        host.RemoveImages(images, workload);
    }

    public IPacketLock OpenPacketLock() => new FaultyLock(host.OpenPacketLock(), this);

    public void TellLockHolder() => host.TellLockHolder();

    public IReadOnlyList<KeptAddress> Addresses() => host.Addresses();

    public Task<SavedNetwork> SaveNetworkAsync(CancellationToken cancellation)
    {
        Throw(Fault.NetworkNotRead, () => new LinuxException("nft", "-s list ruleset", Errno.ENOMEM));
        return host.SaveNetworkAsync(cancellation);
    }

    public async Task<IReadOnlyList<string>> RestoreNetworkAsync(NetworkState network, CancellationToken cancellation)
    {
        Throw(Fault.NetworkFails, () => new LinuxException("make link", "bond0 (bond)", Errno.EOPNOTSUPP));
        IReadOnlyList<string> notes = await host.RestoreNetworkAsync(network, cancellation);
        End(Fault.NetworkCrash, Fault.NetworkPowerCut);
        return notes;
    }

    public void ForgetNetwork() => host.ForgetNetwork();

    public Task<IReadOnlyList<string>> BringUpAsync(IReadOnlyList<KeptAddress> addresses, IReadOnlyList<KeptEndpoint> endpoints, CancellationToken cancellation) =>
        host.BringUpAsync(addresses, endpoints, cancellation);

    public Task AwaitAddressesAsync(IReadOnlyList<KeptEndpoint> endpoints, TimeSpan patience, CancellationToken cancellation)
    {
        Throw(Fault.AddressMissing, () => new TimeoutException("its address 192.0.2.1 did not come up"));
        return host.AwaitAddressesAsync(endpoints, patience, cancellation);
    }

    public Task VerifyImagesAsync(ImageStore images, WorkloadState workload, CancellationToken cancellation)
    {
        Throw(Fault.ImagesUnreadable, () => new InvalidDataException($"{images.Of(workload.Workload)} cannot be read: Input/output error"), workload.Workload.Name);
        return host.VerifyImagesAsync(images, workload, cancellation);
    }

    public Task<RestoredProcess> RestoreAsync(UpdateState state, Workload workload, Action boundary, CancellationToken cancellation)
    {
        End(Fault.RestoreCrash, Fault.RestorePowerCut, workload.Name);
        Throw(Fault.PidTaken, () => new StepFailedException($"Can't fork for {workload.MainPid}: File exists", canPass: true), workload.Name);
        Throw(Fault.RestoreFails, () => new StepFailedException("CRIU refused Restore"), workload.Name);
        return host.RestoreAsync(state, workload, Boundary, cancellation);

        void Boundary()
        {
            boundary();
            End(Fault.ResumingCrash, Fault.ResumingPowerCut, workload.Name);
        }
    }

    public string? LastLog(ImageStore images, Workload workload) => host.LastLog(images, workload);

    public void Announce(Workload workload, int mainPid) => host.Announce(workload, mainPid);

    public bool IsAlive(Workload workload, int mainPid) => host.IsAlive(workload, mainPid);

    public Task<int?> FinishRestoreAsync(Workload workload, CancellationToken cancellation) => host.FinishRestoreAsync(workload, cancellation);

    public void Dispose() => host.Dispose();

    private void Throw(Fault fault, Func<Exception> error, string? workload = null)
    {
        if (faults.Take(fault, workload))
        {
            throw error();
        }
    }

    private void End(Fault crash, Fault powerCut, string? workload = null)
    {
        if (faults.Take(crash, workload))
        {
            faults.Crash(crash);
        }

        if (faults.Take(powerCut, workload))
        {
            faults.CutPower(powerCut);
        }
    }

    private sealed class FaultyDumper(IDumper dumper, FaultyHost host) : IDumper
    {
        public Workload Workload => dumper.Workload;

        public async Task<DumpedImages> DumpAsync(CancellationToken cancellation)
        {
            string name = Workload.Name;
            host.Throw(Fault.DumpFails, () => new StepFailedException($"{name} could not be dumped"), name);
            host.Throw(Fault.DumpTimesOut, () => new StepFailedException($"{name} could not be dumped: CRIU did not answer in time"), name);
            DumpedImages images = await dumper.DumpAsync(cancellation);
            host.Throw(Fault.DumpDiskFull, () => new StepFailedException($"{name} could not be dumped: No space left on device"), name);
            host.End(Fault.SaveCrash, Fault.SavePowerCut, name);
            return images;
        }

        public Task ConfirmAsync() => dumper.ConfirmAsync();

        public ValueTask DisposeAsync() => dumper.DisposeAsync();
    }

    private sealed class FaultyLock(IPacketLock packets, FaultyHost host) : IPacketLock
    {
        public void Hold(int index, IReadOnlyList<KeptEndpoint> endpoints)
        {
            bool after = host.Journal.Read()?.IsCommitted == true;
            host.Throw(after ? Fault.LockNotHeld : Fault.PacketLockFails, () => new LinuxException("nft", $"table {index}", Errno.EOPNOTSUPP));
            packets.Hold(index, endpoints);
        }

        public void HoldNewcomers(int index, IReadOnlyList<KeptEndpoint> endpoints) => packets.HoldNewcomers(index, endpoints);

        public void Release(int index) => packets.Release(index);

        public void Dispose() => packets.Dispose();
    }

    private sealed class FaultyJournal(IUpdateJournal journal, IFaults faults) : IUpdateJournal
    {
        public bool IsInPlace => journal.IsInPlace;

        public UpdateState? Read() => journal.Read();

        public UpdateState? Read(string id) => journal.Read(id);

        public void Begin(Opened opened, params IReadOnlyList<JournalRecord> further) => journal.Begin(opened, further);

        public void Append(JournalRecord record, Func<UpdateState, string?>? obstacle = null)
        {
            (Fault fault, string? workload) = record switch
            {
                Planned when journal.Read()?.Phase == Phase.Prepare => (Fault.PlanNotWritten, null),
                Committed => (Fault.CommitNotWritten, null),
                Revoked => (Fault.RevocationNotWritten, null),
                Resuming resuming => (Fault.ResumingNotWritten, resuming.Workload),
                Restored restored => (Fault.RestoredNotWritten, restored.Workload),
                Closed => (Fault.ClosingNotWritten, (string?)null),
                _ => (Fault.None, null),
            };
            if (fault != Fault.None && faults.Take(fault, workload))
            {
                throw new LinuxException("write", "the journal", fault == Fault.PlanNotWritten ? Errno.ENOSPC : Errno.EIO);
            }

            if (record is Closed && faults.Take(Fault.ConfirmCrash))
            {
                faults.Crash(Fault.ConfirmCrash);
            }

            if (record is Closed && faults.Take(Fault.ConfirmPowerCut))
            {
                faults.CutPower(Fault.ConfirmPowerCut);
            }

            journal.Append(record, obstacle);
        }

        public bool Archive() => journal.Archive();

        public string? SetAside() => journal.SetAside();
    }
}
