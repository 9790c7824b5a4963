using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Criu;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Restore;

/// <summary>
/// <c>nvwa resume NAME</c>: the start of one kept workload on the new kernel, run by its unit in its own cgroup.
/// <code>
///   saved -> attempted -> resuming -> restored
///                |            |
///                +------------+--> cold-started (services), lost (processes)
/// </code>
/// The record "resuming" is on disk before CRIU lets the workload run: at its post-restore notification, the last one at
/// which "no" (or our death) makes CRIU kill what it has built; at pre-resume it would go on regardless. A start that finds it there, or finds nothing to
/// restore, is a cold start: a saved workload runs at most once.
/// </summary>
internal sealed class Resume(UpdateJournal journal, string bootId)
{
    private static readonly TimeSpan AddressDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RestoreDeadline = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan ScopeDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan NotifyDeadline = TimeSpan.FromSeconds(30);

    /// <summary>systemd is told to start the unit anew and ends us; it does so at once.</summary>
    private static readonly TimeSpan ReplacedDeadline = TimeSpan.FromMinutes(2);

    private const int RpcDescriptor = 3;

    /// <summary>SIGHUP, signal(7).</summary>
    private const int HangUp = 1;

    /// <summary>The unit that restores a kept process.</summary>
    public static string UnitOf(Workload process) => $"nvwa-resume@{process.Name}.service";

    public async Task<ExitCode> RunAsync(string name, CancellationToken cancellation)
    {
        UpdateState? state = journal.Read();
        if (state?.Find(name) is not { } found || state.Next(bootId) != NextStep.Restore)
        {
            await Console.Error.WriteLineAsync($"nvwa: resume: no update waits to restore {name}");
            return ExitCode.Usage;
        }

        var store = new ImageStore(Path.GetDirectoryName(state.Opening.ImagesDirectory)!, state.Id);
        string log = store.Log(found.Workload, ImageStore.RestoreLog);
        using var systemd = SystemdBus.Connect();
        if (!found.IsPending)
        {
            return await GiveUpAsync(systemd, found.Workload, "it was started again after its images were consumed", log, cancellation);
        }

        int pid;
        try
        {
            pid = await RestoreAsync(systemd, state, found, store, cancellation);
        }
        catch (Exception failed) when (failed is CriuException or CriuTransportException or CriuScriptException or LinuxException or SystemdException or IOException or TimeoutException)
        {
            string reason = LogExcerpt.Errors(log, 1) is [.., { } error] ? $"{failed.Message} ({error})" : failed.Message;
            return await GiveUpAsync(systemd, found.Workload, reason, log, cancellation);
        }

        // It runs: whatever fails from here on must not make systemd end it for a start that failed.
        BestEffort(() => journal.Append(new Restored(name, pid, Moment.Now())));
        if (found.Workload.Kind == WorkloadKind.Service)
        {
            BestEffort(() =>
            {
                Notify.Send($"MAINPID={pid}\nREADY=1\nSTATUS=");
                Notify.Barrier(NotifyDeadline);
            });
        }

        BestEffort(() => OpenLock(systemd));
        return ExitCode.Done;
    }

    private static void BestEffort(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failed) when (failed is LinuxException or SystemdException or IOException or InvalidDataException)
        {
            Console.Error.WriteLine($"nvwa: resume: {failed.Message}, going on");
        }
    }

    private async Task<int> RestoreAsync(SystemdBus systemd, UpdateState state, WorkloadState found, ImageStore store, CancellationToken cancellation)
    {
        Workload workload = found.Workload;
        await AwaitAddressesAsync(found.Endpoints, cancellation);
        journal.Append(new Attempted(workload.Name, bootId, Moment.Now()));
        var pair = SeqPacketPair.Create();
        using ChildProcess criu = StartCriu(state.Opening.CriuExe, pair.Theirs);
        pair.Theirs.Dispose();
        if (workload.Kind == WorkloadKind.Process)
        {
            // Born in the scope, not in the unit that restores it.
            await systemd.StartTransientScopeAsync(Scopes.Of(workload, [criu.Pid]), ScopeDeadline, cancellation);
        }

        await using var client = new CriuClient(pair.Ours);
        using SafeFileHandle images = PrivateDirectory.Open(store.Of(workload));
        int pid = await client.RestoreAsync(RequestOf(workload, images), (notification, _) => ConsumeAsync(notification, workload), cancellation);
        await criu.WaitAsync(cancellation);
        return pid;
    }

    private static RestoreRequest RequestOf(Workload workload, SafeFileHandle images) => new()
    {
        ImagesDirectory = images,
        LogFile = ImageStore.RestoreLog,
        Deadline = RestoreDeadline,
        ManageCgroups = CgroupMode.Ignore,
        NetworkLock = NetworkLock.Skip,
        TcpEstablished = true,
        ExtUnixSockets = true,
        FileLocks = true,
        External = [.. workload.JournalSockets.Select(socket => ExternalResource.UnixSocket((uint)socket.Inode))],
        // The unit's own standard output: a fresh stream to journald.
        InheritedResources = [.. workload.JournalSockets.Select(socket => InheritedResource.Socket((uint)socket.Inode, 1))],
    };

    private Task ConsumeAsync(CriuNotification notification, Workload workload)
    {
        if (notification.Script == CriuScript.PostRestore)
        {
            journal.Append(new Resuming(workload.Name, bootId, Moment.Now()));
        }

        return Task.CompletedTask;
    }

    private static ChildProcess StartCriu(string exe, SafeHandle rpc) => Spawn.Start(new SpawnRequest(exe, ["swrk", $"{RpcDescriptor}"])
    {
        Inherit =
        [
            new InheritedDescriptor(new SafeFileHandle(1, ownsHandle: false), 1),
            new InheritedDescriptor(new SafeFileHandle(2, ownsHandle: false), 2),
            new InheritedDescriptor(rpc, RpcDescriptor),
        ],
    });

    /// <summary>A connection can only be restored where its own address is up.</summary>
    private static async Task AwaitAddressesAsync(IReadOnlyList<KeptEndpoint> endpoints, CancellationToken cancellation)
    {
        IPAddress[] bound =
        [
            .. endpoints.Select(endpoint => endpoint.LocalEndPoint().Address)
                .Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
                .Where(address => !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !IsGroup(address))
                .Distinct(),
        ];
        if (!await LocalAddresses.WaitAsync(bound, AddressDeadline, cancellation))
        {
            string missing = string.Join(", ", LocalAddresses.Missing(bound));
            throw new TimeoutException($"its address {missing} did not come up within {AddressDeadline.TotalSeconds} s");
        }
    }

    /// <summary>Multicast and broadcast: no address of the host, though a socket may be bound to it.</summary>
    private static bool IsGroup(IPAddress address) =>
        address.IsIPv6Multicast || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] >= 224);

    /// <summary>A service is started as after a reboot, without failing what depends on it; a process is reported.</summary>
    private async Task<ExitCode> GiveUpAsync(SystemdBus systemd, Workload workload, string reason, string log, CancellationToken cancellation)
    {
        bool service = workload.Kind == WorkloadKind.Service;
        journal.Append(new NotRestored(workload.Name, service ? Fate.ColdStarted : Fate.Lost, reason, File.Exists(log) ? log : null, Moment.Now()));
        OpenLock(systemd);
        if (!service)
        {
            return ExitCode.Failed;
        }

        // Without its drop-in the unit is what it was; the restart replaces the start job that is waiting for us, so that
        // units ordered after this one go on waiting.
        systemd.Reload();
        systemd.Restart(workload.Unit);
        await Task.Delay(ReplacedDeadline, TimeProvider.System, cancellation);
        return ExitCode.Failed;
    }

    private static void OpenLock(SystemdBus systemd)
    {
        if (systemd.GetString(LockHolder.Unit, SystemdInterface.Unit, "ActiveState") == "active")
        {
            systemd.KillUnit(LockHolder.Unit, "main", HangUp);
        }
    }
}
