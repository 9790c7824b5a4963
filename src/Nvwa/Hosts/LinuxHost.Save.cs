using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Planning;
using Nvwa.Criu;
using Nvwa.Criu.Images;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Hosts;

/// <summary>On the old kernel: what brings workloads to disk.</summary>
internal sealed partial class LinuxHost
{
    private const string DumpUnit = "nvwa-dump-";

    private static readonly TimeSpan DumpDeadline = TimeSpan.FromMinutes(30);

    /// <summary>A dump that hangs is given up long before its deadline: everything is frozen meanwhile.</summary>
    private static readonly TimeSpan DumpSilence = TimeSpan.FromMinutes(2);

    /// <summary>How long a rollback waits for a dump that nobody listens to.</summary>
    private static readonly TimeSpan OrphanDeadline = TimeSpan.FromMinutes(5);

    public async Task GatherAsync(Workload workload, CancellationToken cancellation)
    {
        if (workload is { Kind: WorkloadKind.Process, Machine: null } && Systemd.UnitOfProcess(workload.MainPid) != workload.Unit)
        {
            await Systemd.StartTransientScopeAsync(Scopes.Of(workload, Members(workload)), UnitDeadline, cancellation);
        }
    }

    /// <summary>A CRIU in a unit of its own, so that it outlives a daemon that is killed in the middle of a dump.</summary>
    public async Task<IDumper> PrepareDumpAsync(UpdatePlan plan, int index, CancellationToken cancellation)
    {
        Workload workload = plan.Workloads[index];
        var images = new ImageStore(plan.Server.CriuDir, plan.Id);
        if (workload.Machine is not null)
        {
            return await MachineDumper.PrepareAsync(workload, images.Create(workload), cancellation);
        }

        var pair = SeqPacketPair.Create();
        using SafeSocketHandle theirs = pair.Theirs;
        string cgroup = DirectoryOf(workload);
        var unit = new SystemdTransientService($"{DumpUnit}{index}.service", Sandbox.DumpCommand(workload, plan.Server.CriuExe, cgroup))
        {
            Description = $"CRIU for {workload.Name}",
            StandardInput = theirs,
        };
        await Systemd.StartTransientServiceAsync(unit, UnitDeadline, cancellation);
        var criu = new CriuClient(pair.Ours);
        try
        {
            await criu.VersionAsync(cancellation);
            return new CriuDumper(workload, plan.Workloads, cgroup, Named(workload), () => StatusOf(workload), images, PrivateDirectory.Open(images.Create(workload)), criu, StopAsync);
        }
        catch (Exception failed)
        {
            await criu.DisposeAsync();
            if (failed is CriuException or CriuTransportException)
            {
                throw new StepFailedException($"{plan.Server.CriuExe} does not answer: {failed.Message}; see: journalctl -u {unit.Name}", failed);
            }

            throw;
        }

        Task StopAsync() => Systemd.StopAllAsync([unit.Name], UnitDeadline, CancellationToken.None);
    }

    /// <summary>What its unit names in places that a boot empties.</summary>
    private IReadOnlyList<string> Named(Workload workload) => workload.Kind == WorkloadKind.Service
        ?
        [
            .. Systemd.GetStrings(workload.Unit, SystemdInterface.Service, "RuntimeDirectory").Select(name => $"/run/{name}"),
            .. new[] { Systemd.GetString(workload.Unit, SystemdInterface.Service, "PIDFile") }.Where(path => path.Length > 0),
        ]
        : [];

    private string StatusOf(Workload workload) =>
        workload.Kind == WorkloadKind.Service ? Systemd.GetString(workload.Unit, SystemdInterface.Service, "StatusText") : "";

    /// <summary>Of its unit's control group.</summary>
    private string DirectoryOf(Workload workload) => "/sys/fs/cgroup" + Systemd.ControlGroup(workload.Unit);

    public async Task AwaitDumpsAsync()
    {
        string[] units = [.. Systemd.ListUnits().Select(unit => unit.Name).Where(name => name.StartsWith(DumpUnit, StringComparison.Ordinal))];
        using var deadline = new CancellationTokenSource(OrphanDeadline);
        await Task.WhenAll(units.Select(unit => AwaitEndAsync(unit, deadline.Token)));
        // What is there now has ended, or will not.
        await Systemd.StopAllAsync(units, UnitDeadline, CancellationToken.None);
    }

    private async Task AwaitEndAsync(string unit, CancellationToken cancellation)
    {
        // 0 once it has ended; systemd may have forgotten the unit, too.
        int pid = (int)Systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID");
        using SafeFileHandle? criu = pid == 0 ? null : Pidfd.Open(pid);
        try
        {
            await (criu is null ? Task.CompletedTask : Pidfd.WaitAsync(criu, cancellation));
        }
        catch (OperationCanceledException)
        {
            // It had its time.
        }
    }

    public IReadOnlyList<KeptEndpoint> Endpoints(Workload workload) =>
        // Nobody outside reaches those of a network namespace of its own; those of a QEMU are not kept.
        workload.Sandbox.Contains("net") || workload.Machine is not null ? [] : KeptSockets.Endpoints(Members(workload));

    public Unsettled Unsettled(IReadOnlyList<Workload> workloads)
    {
        Unsettled[] each = [.. workloads.Where(workload => workload.Machine is null).Select(workload => KeptSockets.Unsettled(Members(workload)))];
        return new Unsettled(each.Select(workload => workload.Unaccepted).FirstOrDefault(address => address is not null), each.Sum(workload => workload.Count));
    }

    public int? Stray(Workload workload) =>
        workload.Machine is null && ProcFs.PidsOfControlGroup(Systemd.ControlGroup(workload.Unit)).Except(Members(workload)).FirstOrDefault() is > 0 and int stray ? stray : null;

    /// <summary>The workload's processes that live now.</summary>
    private static int[] Members(Workload workload) =>
        ProcessTree.Of(workload.MainPid) is { } tree ? [.. tree.Members.Select(member => member.Pid)] : [];

    private sealed class CriuDumper(
        Workload workload, IReadOnlyList<Workload> kept, string cgroup, IReadOnlyList<string> named, Func<string> status, ImageStore images, SafeFileHandle directory, CriuClient criu,
        Func<Task> stop) : IDumper
    {
        public Workload Workload => workload;

        public async Task<DumpedImages> DumpAsync(CancellationToken cancellation)
        {
            string log = images.Log(workload, ImageStore.DumpLog);
            int[] members = Members(workload);
            IReadOnlyList<OutsideFile> outside = workload.Sandbox.Contains("mnt") ? OutsideFile.Of(members, FileSystems.Mounts(workload.MainPid)) : [];
            OutsideFile.Write(images.Of(workload), outside);
            IReadOnlyList<ActivatedSocket> activated = ActivatedSocket.Of(members, Sandbox.Init);
            ActivatedSocket.Write(images.Of(workload), activated);
            OpenSocket.Write(images.Of(workload), OpenSocket.Of(members, Ending(members), activated.Select(socket => socket.Inode).ToHashSet()));
            new FrozenUnit(status(), new ControlGroups(cgroup).Read()).Write(images.Of(workload));
            await MemoryFiles.SaveAsync(workload, members, named, images.Of(workload));
            // Not cancellable: a CRIU that is cut off in the middle of a dump can damage what it dumps. Only one that hangs is stopped.
            Task dump = criu.DumpAsync(Request(outside), onScript: null, CancellationToken.None);
            var threads = Task.Run(() => FrozenThreads.Write(images.Of(workload), FrozenThreads.Of(ProcessTree.Of(workload.MainPid)?.Members.SelectMany(member => member.Threads) ?? [], Sandbox.Init)), CancellationToken.None);
            using var ended = new CancellationTokenSource();
            Task silence = Silence.OfAsync(() => images.Size(workload), DumpSilence, TimeProvider.System, ended.Token);
            bool hangs = await Task.WhenAny(dump, silence) == silence && silence.IsCompletedSuccessfully;
            await (hangs ? stop() : Task.CompletedTask);
            try
            {
                await dump;
                await threads;
            }
            catch (Exception failed) when (failed is CriuException or CriuTransportException)
            {
                string excerpt = hangs ? $"CRIU hung: it had written neither images nor log for {DumpSilence.TotalMinutes} min, and was stopped"
                    : LogExcerpt.Errors(log, 1) is [var error] ? error
                    : failed.Message;
                throw new StepFailedException($"{workload.Name} could not be dumped: {excerpt}; log: {log}", failed);
            }
            finally
            {
                await ended.CancelAsync();
            }

            Mend(activated);
            string digest = await Task.Run(() => ImageDigests.Seal(images.Of(workload)));
            return new DumpedImages(images.Size(workload), digest);
        }

        /// <summary>Nobody thaws it but us.</summary>
        public Task ConfirmAsync() => Task.CompletedTask;

        private HashSet<long> Ending(int[] members) =>
            [.. KeptSockets.ToOthersOfHost(members, [.. kept.SelectMany(Members)]).Select(socket => socket.Inode)];

        public async ValueTask DisposeAsync()
        {
            await criu.DisposeAsync();
            directory.Dispose();
        }

        private void Mend(IReadOnlyList<ActivatedSocket> activated)
        {
            string files = Path.Combine(images.Of(workload), FilesImage.FileName);
            try
            {
                if (FilesImage.WithTimersMended(files) is { } mended)
                {
                    AtomicFile.Write(files, mended);
                }

                foreach ((string path, byte[] content) in HandedSockets.Mend(images.Of(workload), activated.Select(socket => (uint)socket.Inode).ToHashSet()))
                {
                    AtomicFile.Write(path, content);
                }
            }
            catch (Exception failed) when (failed is ImageFormatException or IOException or LinuxException)
            {
                throw new StepFailedException($"{workload.Name} was dumped, but its images could not be mended: {failed.Message}", failed);
            }
        }

        private DumpRequest Request(IReadOnlyList<OutsideFile> outside) => new()
        {
            Pid = workload.MainPid,
            ImagesDirectory = directory,
            LogFile = ImageStore.DumpLog,
            Deadline = DumpDeadline,
            // It stays as it is, frozen: a rollback only has to thaw it.
            LeaveRunning = true,
            FreezeCgroup = workload.Sandbox.Count == 0 ? cgroup : Sandbox.InheritedControlGroup,
            ManageCgroups = CgroupMode.Ignore,
            NetworkLock = NetworkLock.Skip,
            TcpEstablished = true,
            TcpSkipInFlight = true,
            ExtUnixSockets = true,
            FileLocks = true,
            External =
            [
                .. workload.JournalSockets.Select(socket => ExternalResource.UnixSocket((uint)socket.Inode)),
                .. outside.Select(file => ExternalResource.File(file.MountId, file.Inode)),
            ],
        };
    }
}
