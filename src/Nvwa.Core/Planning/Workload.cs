using System.Net;
using System.Text.Json.Serialization;

namespace Nvwa.Core.Planning;

/// <summary>What kind of thing is kept. Persisted: never renumber.</summary>
public enum WorkloadKind
{
    None = 0,

    /// <summary>A process tree named by the PID of its root; it lives in a scope of ours.</summary>
    Process = 1,

    /// <summary>A systemd service.</summary>
    Service = 2,
}

/// <summary>How a service says that it has started, as far as a restore must know it. Persisted: never renumber.</summary>
public enum ServiceType
{
    None = 0,
    Simple = 1,
    Exec = 2,
    Notify = 3,
    NotifyReload = 4,
    Idle = 5,

    /// <summary>Its first process ends when it has started, and another one becomes the main one.</summary>
    Forking = 6,

    /// <summary>With RemainAfterExit=: it has no main process, though processes of it may live on.</summary>
    Oneshot = 7,
}

/// <summary>A descriptor whose other end is not kept: taken out of the dump and handed in again at the restore.</summary>
/// <param name="Inode">Of the socket, in the old kernel.</param>
public sealed record ExternalSocket(long Inode);

/// <summary>An address of the host.</summary>
/// <param name="Address">As IPAddress writes it.</param>
/// <param name="PrefixLength">In bits.</param>
/// <param name="Link">The name of the interface that has it.</param>
/// <param name="Until">When it ends (a lease, a router's prefix), in nanoseconds of CLOCK_REALTIME; null for never.</param>
public sealed record KeptAddress(string Address, int PrefixLength, string Link, long? Until = null);

/// <summary>A socket whose packets are dropped, never refused, while its owner does not run.</summary>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Local">The own address and port.</param>
/// <param name="Remote">The peer; null for a listening or unconnected socket.</param>
public sealed record KeptEndpoint(string Protocol, string Local, string? Remote)
{
    public IPEndPoint LocalEndPoint() => IPEndPoint.Parse(Local);

    public IPEndPoint? RemoteEndPoint() => Remote is null ? null : IPEndPoint.Parse(Remote);
}

/// <summary>A virtual machine: its QEMU brings it to disk and back, and not CRIU.</summary>
/// <param name="Qmp">QEMU's QMP socket.</param>
/// <param name="CommandLine">What its next QEMU is started with, the program first; it waits for the machine's state.</param>
/// <param name="IsLive">Whether its virtual CPUs go on when it is back: it was running, or suspended.</param>
/// <param name="NeededPaths">Files and directories of the host without which its QEMU does not start.</param>
/// <param name="NeededDevices">Device nodes that its QEMU opens first of all.</param>
public sealed record VirtualMachine(
    string Qmp, IReadOnlyList<string> CommandLine, bool IsLive, IReadOnlyList<string> NeededPaths, IReadOnlyList<string> NeededDevices)
{
    /// <summary>The program that had it, if that is another one: it gets the state if the new one does not take it.</summary>
    public string? OldProgram { get; init; }

    /// <summary>What its next QEMU is started with.</summary>
    /// <param name="isLastTry">Whether one has been tried before.</param>
    public IReadOnlyList<string> CommandLineFor(bool isLastTry) => isLastTry && OldProgram is { } old ? [old, .. CommandLine.Skip(1)] : CommandLine;

    /// <summary>Whether its guest sleeps by itself, and goes on to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsAsleep { get; init; }

    /// <summary>The host's end of the guest agent's port, where the guest is to sleep meanwhile: it drives devices of the host.</summary>
    public string? Sleeps { get; init; }

    /// <summary>Whether its guest sleeps in what is saved.</summary>
    [JsonIgnore]
    public bool IsSavedAsleep => IsAsleep || Sleeps is not null;
}

/// <summary>One thing that is kept: a process tree or a service.</summary>
/// <param name="Name">The PID or the unit, as the operator knows it; also its directory of images.</param>
/// <param name="Kind">Process or service.</param>
/// <param name="Unit">The unit that holds its processes: the service, or a scope of ours.</param>
/// <param name="MainPid">The root of the tree.</param>
/// <param name="Numbers">All PIDs, TIDs, session and process group numbers of the tree.</param>
/// <param name="ServiceType">None for a process.</param>
/// <param name="JournalSockets">Its streams to journald.</param>
public sealed record Workload(
    string Name,
    WorkloadKind Kind,
    string Unit,
    int MainPid,
    IReadOnlyList<int> Numbers,
    ServiceType ServiceType,
    IReadOnlyList<ExternalSocket> JournalSockets)
{
    /// <summary>
    /// The namespaces that systemd made for its unit and makes anew at a start, as in /proc/PID/ns: <c>mnt</c>, <c>net</c>,
    /// <c>cgroup</c>. It is dumped and restored from within them.
    /// </summary>
    public IReadOnlyList<string> Sandbox
    {
        get;
        // Journals of earlier versions do not have it.
        init => field = value ?? [];
    } = [];

    /// <summary>NoExecPaths= of its unit: what a restore runs in its sandbox is made executable there.</summary>
    public bool NoExec { get; init; }

    /// <summary>It has System V objects, which CRIU keeps only with an IPC namespace: it gets one of its own.</summary>
    public bool OwnIpc { get; init; }

    /// <summary>WatchdogSec= of its unit, microseconds; 0 for none.</summary>
    public long Watchdog { get; init; }

    /// <summary>SyslogIdentifier= that its restore needs; null if its unit has one.</summary>
    public string? Identifier { get; init; }

    /// <summary>A digest of its unit's files as systemd had read them; empty if they had changed by then, null if nobody looked.</summary>
    public string? UnitFiles { get; init; }

    /// <summary>Null for what CRIU keeps. The kind then says who starts its QEMU: its own service, or a unit of ours.</summary>
    public VirtualMachine? Machine { get; init; }
}
