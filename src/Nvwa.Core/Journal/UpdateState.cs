using Nvwa.Core.Planning;

namespace Nvwa.Core.Journal;

/// <summary>What is to be done about a journal that was found, by a daemon that starts or a host that boots.</summary>
public enum NextStep
{
    None = 0,

    /// <summary>Nothing is pending.</summary>
    Nothing = 1,

    /// <summary>Same boot, no switch: thaw, start what was stopped, unload.</summary>
    RollBack = 2,

    /// <summary>A later boot and a commit that counts: restore what is not yet consumed.</summary>
    Restore = 3,

    /// <summary>A later boot without a commit: the machine went down on the way; only record it.</summary>
    CloseInterrupted = 4,
}

/// <summary>How far a workload is.</summary>
public enum WorkloadStep
{
    None = 0,
    Planned = 1,
    Saved = 2,
    Attempted = 3,

    /// <summary>Its images are consumed; whether it runs is not yet known.</summary>
    Resuming = 4,
    Restored = 5,
    ColdStarted = 6,
    Lost = 7,
}

/// <summary>What the journal tells of one workload.</summary>
public sealed record WorkloadState(Workload Workload, WorkloadStep Step)
{
    /// <summary>In all; the second is for causes that pass.</summary>
    public const int MaxAttempts = 2;

    public IReadOnlyList<KeptEndpoint> Endpoints { get; init; } = [];

    public long ImageBytes { get; init; }

    public Stamp? SavedAt { get; init; }

    /// <summary>Null where it was frozen with all others.</summary>
    public Stamp? StoppedAt { get; init; }

    public Stamp? AttemptedAt { get; init; }

    /// <summary>The boot of the last attempt.</summary>
    public string? AttemptedIn { get; init; }

    public Stamp? ResumedAt { get; init; }

    /// <summary>The boot that consumed its images.</summary>
    public string? ResumedIn { get; init; }

    /// <summary>Of the images, as they were saved; null in journals of earlier versions.</summary>
    public string? Digest { get; init; }

    /// <summary>When it was known to run.</summary>
    public Stamp? RestoredAt { get; init; }

    public int Attempts { get; init; }

    /// <summary>The main process after the restore; 0 before.</summary>
    public int MainPid { get; init; }

    /// <summary>Why it was not restored.</summary>
    public string? Reason { get; init; }

    public string? Log { get; init; }

    /// <summary>
    /// Why no restore may be started in this boot; null if one may. A set of images is tried in one boot only, and there
    /// twice at most: a restore that takes the machine down must not do so for ever.
    /// </summary>
    public string? Obstacle(string bootId) => Step switch
    {
        WorkloadStep.Saved => null,
        WorkloadStep.Attempted when AttemptedIn != bootId => "the machine went down while it was being restored",
        WorkloadStep.Attempted when Attempts >= MaxAttempts => $"{Attempts} attempts to restore it did not come to an end",
        WorkloadStep.Attempted => null,
        WorkloadStep.Resuming => "its restore was interrupted after its images were consumed",
        WorkloadStep.Restored when ResumedIn != bootId => "the machine went down after it had been restored",
        WorkloadStep.Restored => "it was started again after its images were consumed",
        WorkloadStep.Planned => "it was not saved",
        _ => Reason ?? "it was given up",
    };

    /// <summary>Whether a restore may still (or again) be started in this boot.</summary>
    public bool IsPending(string bootId) => Obstacle(bootId) is null;

    public bool IsSettled => Step is WorkloadStep.Restored or WorkloadStep.ColdStarted or WorkloadStep.Lost;
}

/// <summary>How far the network configuration is.</summary>
public enum NetworkStep
{
    None = 0,
    Saved = 1,
    Attempted = 2,
    Restored = 3,
    NotRestored = 4,
}

/// <summary>What the journal tells of the network configuration.</summary>
/// <param name="Step">How far it is.</param>
/// <param name="Bytes">Of the file that it was saved to.</param>
/// <param name="Digest">Of that file.</param>
public sealed record NetworkState(NetworkStep Step, long Bytes, string Digest)
{
    /// <summary>The boot of the last step, if it was one after the switch.</summary>
    public string? BootId { get; init; }

    /// <summary>What is not as it was, although the rest is.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Why it was not restored.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// Why it may not be applied in this boot; null if it may. Another boot knows nothing of what one before it made; but a
    /// configuration that took the machine down must not do so for ever.
    /// </summary>
    public string? Obstacle(string bootId) => Step switch
    {
        NetworkStep.Attempted when BootId != bootId => "the machine went down while it was being applied",
        NetworkStep.Attempted => "its application did not come to an end, and nobody knows how far it came",
        _ when BootId == bootId => Reason ?? "it is in place already",
        _ => null,
    };

    public bool IsRestoredIn(string bootId) => Step == NetworkStep.Restored && BootId == bootId;

    internal NetworkState At(NetworkStep step, string bootId, string? reason = null, IReadOnlyList<string>? notes = null) =>
        this with { Step = step, BootId = bootId, Reason = reason, Notes = notes ?? [] };
}

/// <summary>
/// An update as its journal tells it: the fold of the records. The journal alone says what to do after a crash, a power
/// cut or a boot.
/// </summary>
public sealed record UpdateState(Opened Opening)
{
    public IReadOnlyList<PhaseEntered> Phases { get; init; } = [];

    public IReadOnlyList<WorkloadState> Workloads { get; init; } = [];

    public IReadOnlyList<string> StopList { get; init; } = [];

    public RtcTick? OldRtc { get; init; }

    /// <summary>kernel.panic as the administrator has it.</summary>
    public int? PanicTimeout { get; init; }

    /// <summary>Of the host, before the switch.</summary>
    public IReadOnlyList<KeptAddress> Addresses { get; init; } = [];

    /// <summary>Null where it is not to be restored.</summary>
    public NetworkState? Network { get; init; }

    public AllFrozen? Freeze { get; init; }

    public Committed? Commit { get; init; }

    public string? RevokedBecause { get; init; }

    public RolledBack? RollBack { get; init; }

    public Arrived? Arrival { get; init; }

    public Closed? End { get; init; }

    public string Id => Opening.Id;

    public Phase Phase => Phases.Count == 0 ? Phase.Check : Phases[^1].Phase;

    /// <summary>How far it came; a rollback is no way forward.</summary>
    public Phase LastForwardPhase => Phases.LastOrDefault(entered => entered.Phase != Phase.RollBack)?.Phase ?? Phase.Check;

    public bool IsOpen => End is null && RollBack is null;

    /// <summary>How it ended; None while it is open.</summary>
    public Outcome Outcome => RollBack is not null ? Outcome.RolledBack : End?.Outcome ?? Outcome.None;

    /// <summary>Whether the images count: written for good, and not taken back.</summary>
    public bool IsCommitted => Commit is not null && RevokedBecause is null;

    /// <returns>Null for a journal without a first record.</returns>
    public static UpdateState? Of(IEnumerable<JournalRecord> records) =>
        records.Aggregate((UpdateState?)null, (state, record) => record is Opened opened ? new UpdateState(opened) : state?.After(record));

    /// <summary>What to do, seen from a boot.</summary>
    public NextStep Next(string bootId) => (IsOpen, IsSameBoot: Opening.BootId == bootId, IsCommitted) switch
    {
        (false, _, _) => NextStep.Nothing,
        (true, true, _) => NextStep.RollBack,
        (true, false, true) => NextStep.Restore,
        (true, false, false) => NextStep.CloseInterrupted,
    };

    public WorkloadState? Find(string name) => Workloads.FirstOrDefault(state => state.Workload.Name == name);

    public WorkloadState? FindUnit(string unit) => Workloads.FirstOrDefault(state => state.Workload.Unit == unit);

    private UpdateState After(JournalRecord record) => record switch
    {
        PhaseEntered entered => this with { Phases = [.. Phases, entered] },
        Planned planned => this with
        {
            Workloads = [.. planned.Workloads.Select(workload => new WorkloadState(workload, WorkloadStep.Planned))],
            StopList = planned.StopList,
            OldRtc = planned.Rtc,
            PanicTimeout = planned.PanicTimeout,
        },
        Addressed addressed => this with { Addresses = [.. Addresses, .. addressed.Addresses] },
        NetworkSaved saved => this with { Network = new NetworkState(NetworkStep.Saved, saved.Bytes, saved.Digest) },
        NetworkAttempted attempted => this with { Network = Network?.At(NetworkStep.Attempted, attempted.BootId) },
        NetworkRestored restored => this with { Network = Network?.At(NetworkStep.Restored, restored.BootId, notes: restored.Notes) },
        NetworkNotRestored failed => this with { Network = Network?.At(NetworkStep.NotRestored, failed.BootId, failed.Reason) },
        Locked locked => With(locked.Workload, state => state with { Endpoints = [.. state.Endpoints, .. locked.Endpoints] }),
        AllFrozen frozen => this with { Freeze = frozen },
        Saved saved => With(saved.Workload, state => state with { Step = WorkloadStep.Saved, ImageBytes = saved.Bytes, SavedAt = saved.At, StoppedAt = saved.Stopped, Digest = saved.Digest }),
        Committed committed => this with { Commit = committed },
        Revoked revoked => this with { RevokedBecause = revoked.Reason },
        RolledBack rolledBack => this with { RollBack = rolledBack },
        Arrived arrived => this with { Arrival = arrived },
        Attempted attempted => With(attempted.Workload, state => state with { Step = WorkloadStep.Attempted, AttemptedAt = attempted.At, AttemptedIn = attempted.BootId, Attempts = state.Attempts + 1 }),
        Resuming resuming => With(resuming.Workload, state => state with { Step = WorkloadStep.Resuming, ResumedAt = resuming.At, ResumedIn = resuming.BootId }),
        Restored restored => With(restored.Workload, state => state with { Step = WorkloadStep.Restored, MainPid = restored.MainPid, RestoredAt = restored.At }),
        NotRestored failed => With(failed.Workload, state => state with { Step = failed.Fate == Fate.Lost ? WorkloadStep.Lost : WorkloadStep.ColdStarted, Reason = failed.Reason, Log = failed.Log }),
        Closed closed => this with { End = closed },
        _ => throw new InvalidDataException($"unknown journal record {record.GetType().Name}"),
    };

    private UpdateState With(string name, Func<WorkloadState, WorkloadState> change) => this with
    {
        Workloads = [.. Workloads.Select(state => state.Workload.Name == name ? change(state) : state)],
    };
}
