namespace Nvwa.Core.Faults;

/// <summary>
/// What can go wrong, for tests that make it go wrong. The hundreds are the <see cref="Phase"/> in which it does; 01 is the
/// end of nvwa (SIGKILL) and 02 the loss of power in that phase, at the moment at which most is open. Numbers stand in
/// reports and in seeds of the simulation: never renumber.
/// </summary>
public enum Fault
{
    None = 0,

    /// <summary>The new kernel is loaded.</summary>
    LoadCrash = 201,
    LoadPowerCut = 202,

    /// <summary>The kernel refuses the image, as for its signature.</summary>
    KexecRefuses = 203,

    /// <summary>The CRIUs wait; nothing of the plan is in the journal.</summary>
    PrepareCrash = 301,
    PreparePowerCut = 302,

    CriuDoesNotStart = 303,

    /// <summary>No space for the plan in the journal.</summary>
    PlanNotWritten = 304,

    /// <summary>The kernel, or a tool, does not tell the network configuration.</summary>
    NetworkNotRead = 305,

    /// <summary>All that is not kept is stopped.</summary>
    QuiesceCrash = 401,
    QuiescePowerCut = 402,

    /// <summary>A unit goes on stopping past the deadline.</summary>
    UnitDoesNotStop = 403,

    /// <summary>A workload is dumped, all are frozen.</summary>
    SaveCrash = 501,
    SavePowerCut = 502,

    /// <summary>nft refuses the packet lock.</summary>
    PacketLockFails = 503,
    FreezeTimesOut = 504,
    DumpFails = 505,

    /// <summary>The images do not fit on the disk.</summary>
    DumpDiskFull = 506,
    DumpTimesOut = 507,

    /// <summary>The commit is on disk, the jump did not happen yet.</summary>
    SwitchCrash = 601,
    SwitchPowerCut = 602,

    /// <summary>A dead network mount.</summary>
    SyncTimesOut = 603,
    SyncFails = 604,

    /// <summary>An I/O error under the journal's commit.</summary>
    CommitNotWritten = 605,
    JumpFails = 606,

    /// <summary>A restore was begun; its images are not consumed.</summary>
    RestoreCrash = 701,
    RestorePowerCut = 702,

    /// <summary>The images are consumed; the workload does not run yet.</summary>
    ResumingCrash = 703,
    ResumingPowerCut = 704,

    /// <summary>nft refuses the packet lock at boot.</summary>
    LockNotHeld = 705,
    ImagesUnreadable = 706,
    AddressMissing = 707,

    /// <summary>A PID of the images is taken: passes.</summary>
    PidTaken = 708,
    RestoreFails = 709,

    /// <summary>The boundary cannot be written: the workload must not run.</summary>
    ResumingNotWritten = 710,

    /// <summary>The workload runs, and the journal cannot be told.</summary>
    RestoredNotWritten = 711,

    /// <summary>The network configuration is applied; the journal does not know it yet.</summary>
    NetworkCrash = 712,
    NetworkPowerCut = 713,

    /// <summary>A step of the network configuration is refused: those before it are undone.</summary>
    NetworkFails = 714,

    /// <summary>All workloads run; the journal is still open.</summary>
    ConfirmCrash = 801,
    ConfirmPowerCut = 802,
    ImagesNotRemoved = 803,
    ClosingNotWritten = 804,

    /// <summary>The first workload is thawed.</summary>
    RollBackCrash = 901,
    RollBackPowerCut = 902,
    ThawFails = 903,
    StartFails = 904,

    /// <summary>The commit cannot be taken back in the journal.</summary>
    RevocationNotWritten = 905,
}
