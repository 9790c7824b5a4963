namespace Nvwa.Criu;

/// <summary>
/// The moments at which CRIU stops and asks, in its own words ("action scripts"). What a refusal does differs: see
/// each.
/// </summary>
/// <remarks>
/// Order of a dump: <see cref="PreDump"/>, (processes are stopped), <see cref="NetworkLock"/>,
/// <see cref="QueryExternalFiles"/>, <see cref="PostDump"/>, and where the processes go on,
/// <see cref="NetworkUnlock"/>.
/// Order of a restore: <see cref="PreRestore"/>, <see cref="SetupNamespaces"/>, <see cref="PostSetupNamespaces"/>,
/// <see cref="PostRestore"/>, <see cref="NetworkUnlock"/>, <see cref="PreResume"/>, <see cref="PostResume"/>.
/// The two network moments come only for processes in a network namespace of their own, the two namespace moments only
/// where any namespace is restored.
/// </remarks>
public enum CriuScript
{
    /// <summary>
    /// A word this library does not know; the notification has it. A refusal does what that CRIU decides.
    /// </summary>
    Unknown = 0,

    /// <summary>Before anything is stopped. A refusal ends the dump; nothing happened.</summary>
    PreDump = 1,

    /// <summary>
    /// The images are complete, the processes still stopped. A refusal fails the dump and lets the processes go on.
    /// </summary>
    PostDump = 2,

    /// <summary>Before the first process is made. A refusal ends the restore; nothing happened.</summary>
    PreRestore = 3,

    /// <summary>
    /// All processes exist, none has run its own code, their connections are still in repair mode. A refusal, or a
    /// client that has gone away, makes CRIU kill them. This is the last moment that can still say no.
    /// </summary>
    PostRestore = 4,

    /// <summary>The network namespace is to be locked. A refusal fails the dump.</summary>
    NetworkLock = 5,

    /// <summary>The network namespace is to be unlocked. CRIU does not look at the answer.</summary>
    NetworkUnlock = 6,

    /// <summary>The root process has its namespaces, empty as yet. A refusal ends the restore.</summary>
    SetupNamespaces = 7,

    /// <summary>The namespaces are filled. A refusal ends the restore.</summary>
    PostSetupNamespaces = 8,

    /// <summary>
    /// The processes are complete and stopped. CRIU logs a refusal and lets them run all the same, and so it does when
    /// the client has gone away: what must not be lost is decided at <see cref="PostRestore"/>.
    /// </summary>
    PreResume = 9,

    /// <summary>The processes run. CRIU logs a refusal and goes on.</summary>
    PostResume = 10,

    /// <summary>
    /// A terminal's master end is handed over as a descriptor. Only after the option "orphan-pts-master", which this
    /// client does not offer: it takes no descriptors, and one that is not taken is closed.
    /// </summary>
    OrphanPtsMaster = 11,

    /// <summary>CRIU is ready to serve (page server, lazy pages).</summary>
    StatusReady = 12,

    /// <summary>The processes are stopped; CRIU asks whether more of their resources are external.</summary>
    QueryExternalFiles = 13,

    /// <summary>Before images are streamed.</summary>
    PreStream = 14,
}
