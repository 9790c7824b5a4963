using System.Text.Json.Serialization;
using Nvwa.Core.Planning;

namespace Nvwa.Core.Journal;

/// <summary>A moment, by two clocks of one boot.</summary>
/// <param name="Boottime">CLOCK_BOOTTIME, nanoseconds.</param>
/// <param name="Realtime">CLOCK_REALTIME, nanoseconds since the epoch.</param>
public readonly record struct Stamp(long Boottime, long Realtime);

/// <summary>
/// The hardware clock against CLOCK_BOOTTIME at one of its ticks: it runs on through the switch, so that moments before
/// and after can be put on one line.
/// </summary>
/// <param name="Seconds">What the hardware clock showed.</param>
/// <param name="Boottime">Nanoseconds.</param>
public readonly record struct RtcTick(long Seconds, long Boottime);

/// <summary>
/// One step of an update. A record that announces a step is on disk before the step is done.
/// The names in <see cref="JsonDerivedTypeAttribute"/> and the properties are the format: never rename them.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "record")]
[JsonDerivedType(typeof(Opened), "opened")]
[JsonDerivedType(typeof(PhaseEntered), "phase")]
[JsonDerivedType(typeof(Planned), "planned")]
[JsonDerivedType(typeof(Addressed), "addressed")]
[JsonDerivedType(typeof(NetworkSaved), "network-saved")]
[JsonDerivedType(typeof(Locked), "locked")]
[JsonDerivedType(typeof(AllFrozen), "frozen")]
[JsonDerivedType(typeof(Saved), "saved")]
[JsonDerivedType(typeof(Committed), "committed")]
[JsonDerivedType(typeof(Revoked), "revoked")]
[JsonDerivedType(typeof(RolledBack), "rolled-back")]
[JsonDerivedType(typeof(NetworkAttempted), "network-attempted")]
[JsonDerivedType(typeof(NetworkRestored), "network-restored")]
[JsonDerivedType(typeof(NetworkNotRestored), "network-not-restored")]
[JsonDerivedType(typeof(Arrived), "arrived")]
[JsonDerivedType(typeof(Attempted), "attempted")]
[JsonDerivedType(typeof(Resuming), "resuming")]
[JsonDerivedType(typeof(Restored), "restored")]
[JsonDerivedType(typeof(NotRestored), "not-restored")]
[JsonDerivedType(typeof(Closed), "closed")]
public abstract record JournalRecord;

/// <summary>The first record. Nothing was touched yet.</summary>
public sealed record Opened(
    string Id,
    string OldRelease,
    string NewRelease,
    string BootId,
    string ImagesDirectory,
    string CriuExe,
    bool Debug,
    Stamp At) : JournalRecord;

public sealed record PhaseEntered(Phase Phase, Stamp At) : JournalRecord;

/// <summary>What will be kept and what will be stopped; a rollback undoes just this.</summary>
/// <param name="Workloads">In order; the index of one names its packet lock.</param>
/// <param name="StopList">Units.</param>
/// <param name="Rtc">The old kernel's.</param>
/// <param name="PanicTimeout">kernel.panic as it was: the new kernel gets one of ours until the update is confirmed.</param>
public sealed record Planned(
    IReadOnlyList<Workload> Workloads,
    IReadOnlyList<string> StopList,
    RtcTick? Rtc,
    int? PanicTimeout = null) : JournalRecord;

/// <summary>
/// The host's addresses; many are spread over several records. One that something kept is bound to is brought up for it if nobody else
/// does, and no other host has it.
/// </summary>
public sealed record Addressed(IReadOnlyList<KeptAddress> Addresses) : JournalRecord;

/// <summary>The host's network configuration is on disk, beside the journal: <c>restore_net</c>.</summary>
/// <param name="Bytes">Of the file.</param>
/// <param name="Digest">Of its content; nothing else is applied.</param>
/// <param name="At">When it was read.</param>
public sealed record NetworkSaved(long Bytes, string Digest, Stamp At) : JournalRecord;

/// <summary>Endpoints whose packets are dropped until the workload runs again; many are spread over several records.</summary>
public sealed record Locked(string Workload, IReadOnlyList<KeptEndpoint> Endpoints) : JournalRecord;

/// <summary>All workloads are frozen: the blackout has begun.</summary>
/// <param name="Began">When the first was asked to stop.</param>
/// <param name="At">When the last had stopped.</param>
public sealed record AllFrozen(Stamp Began, Stamp At) : JournalRecord;

/// <summary>The workload's images are complete and on disk.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="Bytes">The size of the images.</param>
/// <param name="At">When the dump was complete.</param>
/// <param name="Digest">Of the images' list of digests; a restore trusts nothing else.</param>
/// <param name="Stopped">When it had stopped, of what is not frozen with all others: a virtual machine.</param>
public sealed record Saved(string Workload, long Bytes, Stamp At, string? Digest = null, Stamp? Stopped = null) : JournalRecord;

/// <summary>The last write on the old kernel: from here on the images count.</summary>
public sealed record Committed(Stamp At) : JournalRecord;

/// <summary>The switch did not happen after all; written before anything thaws, so that the images count no more.</summary>
public sealed record Revoked(string Reason) : JournalRecord;

/// <summary>Closes an update that did not reach the new kernel: everything runs on the old one.</summary>
/// <param name="During">The phase that failed.</param>
/// <param name="Reason">Operation, subject, cause.</param>
/// <param name="Restarted">Units that had been stopped and were started again.</param>
/// <param name="Troubles">What the rollback itself could not do.</param>
/// <param name="At">When it was done.</param>
public sealed record RolledBack(
    Phase During,
    string Reason,
    IReadOnlyList<string> Restarted,
    IReadOnlyList<string> Troubles,
    Stamp At) : JournalRecord;

/// <summary>The network configuration is about to be applied: once in each boot, and no more if that took the machine down.</summary>
public sealed record NetworkAttempted(string BootId, Stamp At) : JournalRecord;

/// <summary>The network is as it was.</summary>
/// <param name="BootId">Of the boot in which it is.</param>
/// <param name="Notes">What is not, and was no reason to undo the rest.</param>
/// <param name="At">When the last step was taken.</param>
public sealed record NetworkRestored(string BootId, IReadOnlyList<string> Notes, Stamp At) : JournalRecord;

/// <summary>What was applied is undone: the network is what the host's own configuration makes of it.</summary>
public sealed record NetworkNotRestored(string BootId, string Reason, Stamp At) : JournalRecord;

/// <summary>User space of a later boot found the committed journal.</summary>
public sealed record Arrived(string BootId, string Release, Stamp At) : JournalRecord;

/// <summary>A restore begins; it may be tried again until <see cref="Resuming"/>.</summary>
public sealed record Attempted(string Workload, string BootId, Stamp At) : JournalRecord;

/// <summary>
/// On disk before CRIU lets the workload run (its post-restore notification): its images are consumed. A saved workload runs at most once, so
/// nothing restores it after this record.
/// </summary>
public sealed record Resuming(string Workload, string BootId, Stamp At) : JournalRecord;

/// <summary>The workload runs again.</summary>
public sealed record Restored(string Workload, int MainPid, Stamp At) : JournalRecord;

/// <summary>How a workload that could not be restored was left. Persisted: never renumber.</summary>
public enum Fate
{
    None = 0,

    /// <summary>A service: started as after a reboot.</summary>
    ColdStarted = 1,

    /// <summary>A process: gone, and reported.</summary>
    Lost = 2,
}

/// <summary>The workload was not restored.</summary>
public sealed record NotRestored(string Workload, Fate Fate, string Reason, string? Log, Stamp At) : JournalRecord;

/// <summary>How an update ended. Persisted: never renumber.</summary>
public enum Outcome
{
    None = 0,

    /// <summary>On the new kernel, everything restored.</summary>
    Updated = 1,

    /// <summary>On the new kernel, but not everything was restored.</summary>
    Degraded = 2,

    /// <summary>On the old kernel, everything runs.</summary>
    RolledBack = 3,

    /// <summary>The machine went down before the commit: an ordinary boot followed, services started cold.</summary>
    Interrupted = 4,

    /// <summary>An operator gave the images up.</summary>
    Discarded = 5,
}

/// <summary>The last record.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Rtc">To put moments before and after the switch on one line.</param>
/// <param name="At">When.</param>
/// <param name="Troubles">What went wrong and took no workload along, as a packet lock that could not be held.</param>
public sealed record Closed(Outcome Outcome, RtcTick? Rtc, Stamp At, IReadOnlyList<string>? Troubles = null) : JournalRecord;
