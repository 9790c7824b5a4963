namespace Nvwa.Core;

/// <summary>
/// The phases of one update, in their order. The same names stand in the journal, in logs, in JSON and in the documents.
/// <code>
///   Check -> Load -> Prepare -> Quiesce -> Save -> Switch ==kexec==> Restore -> Confirm
///     |        |        |          |         |        |
///     +--------+--------+----------+---------+--------+--> RollBack: everything runs on the old kernel again
/// </code>
/// The values are persisted in journals: never renumber them.
/// </summary>
public enum Phase
{
    None = 0,

    /// <summary>All that can be known beforehand. Touches nothing.</summary>
    Check = 1,

    /// <summary>Load the new kernel and its initrd into memory.</summary>
    Load = 2,

    /// <summary>Work that can be done while the workloads run.</summary>
    Prepare = 3,

    /// <summary>Stop what is not kept; what is kept goes on serving.</summary>
    Quiesce = 4,

    /// <summary>Packet lock, freeze all, dump all.</summary>
    Save = 5,

    /// <summary>Sync, commit, jump.</summary>
    Switch = 6,

    /// <summary>On the new kernel: bring the workloads back.</summary>
    Restore = 7,

    /// <summary>Check that everything is alive, remove what is left, close the journal.</summary>
    Confirm = 8,

    /// <summary>Before the switch something failed: everything runs on the old kernel again.</summary>
    RollBack = 9,
}
