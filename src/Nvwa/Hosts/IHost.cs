using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Hosts;

/// <summary>A step did not do what it should, in words for the operator: operation, subject, cause.</summary>
/// <param name="reason">The words.</param>
/// <param name="cause">What was caught, for the log.</param>
/// <param name="canPass">Whether a second try may do better, as when a PID is taken by something short-lived.</param>
internal sealed class StepFailedException(string reason, Exception? cause = null, bool canPass = false) : Exception(reason, cause)
{
    public bool CanPass { get; } = canPass;

    /// <summary>Whether a host's step explains itself by this; anything else is a bug, and needs its trace.</summary>
    public static bool IsExpected(Exception failed) => failed is StepFailedException or LinuxException or SystemdException
        or IOException or InvalidDataException or TimeoutException or UnauthorizedAccessException or OperationCanceledException;
}

/// <summary>
/// All that an update touches, one member for each step that can fail by itself. The runs (<see cref="UpdateRun"/>,
/// <see cref="RollBack"/>, <see cref="Restore.RestoreRun"/>, <see cref="Restore.NetworkRestore"/>, <see cref="Restore.Resume"/>) decide what happens in which
/// order, and reach the machine through nothing else. There are two: <see cref="LinuxHost"/>, and the simulated one of the
/// tests; <see cref="FaultyHost"/> stands before either and makes steps fail.
/// <para>
/// What fails throws <see cref="StepFailedException"/>, <see cref="LinuxException"/>, <see cref="SystemdException"/>,
/// <see cref="IOException"/>, <see cref="InvalidDataException"/> or <see cref="TimeoutException"/>, with words for the operator.
/// </para>
/// </summary>
internal interface IHost : IDisposable
{
    IUpdateJournal Journal { get; }

    string BootId { get; }

    /// <summary>Of the running kernel.</summary>
    string Release { get; }

    Stamp Now();

    /// <summary>Null where there is no hardware clock. Takes up to two seconds.</summary>
    Task<RtcTick?> TickAsync(CancellationToken cancellation);

    Task PauseAsync(TimeSpan length, CancellationToken cancellation);

    // The new kernel.

    /// <returns>By whom it was loaded, in words.</returns>
    Task<string> LoadKernelAsync(UpdatePlan plan, CancellationToken cancellation);

    /// <summary>That none is loaded is no error.</summary>
    void UnloadKernel();

    /// <summary>Seconds after which a kernel that panicked reboots; 0 for never (kernel.panic).</summary>
    int PanicTimeout { get; set; }

    /// <summary>Returns only by throwing.</summary>
    void Jump();

    // systemd.

    Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAllAsync(IReadOnlyList<string> units, CancellationToken cancellation);

    /// <summary>These and no other: what requires one of them goes on.</summary>
    Task<IReadOnlyDictionary<string, SystemdJobResult>> StopOnlyAsync(IReadOnlyList<string> units, CancellationToken cancellation);

    /// <param name="units">What runs already is left alone; a start that is under way is waited for.</param>
    /// <param name="deadline">For all together.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAllAsync(IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellation);

    /// <summary>After a <see cref="Reload"/> that changed settings of running services: their control groups get them. That they do not is no failure.</summary>
    Task ApplySettingsAsync(IReadOnlyList<string> services, CancellationToken cancellation);

    /// <summary>Services that require one of these, and are down.</summary>
    IReadOnlyList<string> DownDependents(IReadOnlyList<string> units);

    bool IsDown(string unit);

    bool HasFailed(string unit);

    /// <summary>Of what a unit's files say now; empty if systemd has not read them yet.</summary>
    string DigestOfUnitFiles(string unit);

    /// <summary>All processes of its unit. Not for virtual machines, which QEMU stops when it saves them.</summary>
    Task FreezeAsync(Workload workload, CancellationToken cancellation);

    /// <summary>Before a rollback removes images: what a workload can only go on from. Nothing to do for any but virtual machines that sleep.</summary>
    void SetAside(ImageStore images, Workload workload);

    /// <summary>It goes on, from wherever its save had come. That it runs is no error.</summary>
    /// <returns>What is wrong with it all the same, and not to be mended by another try; null for nothing.</returns>
    Task<string?> ThawAsync(ImageStore images, Workload workload);

    void Stop(string unit);

    /// <summary>Stops it, and takes it from the list of failed units.</summary>
    void Forget(string unit);

    /// <summary>This one and no other.</summary>
    void Restart(string unit);

    /// <summary>daemon-reload: the generators run anew.</summary>
    void Reload();

    // Disks.

    /// <summary>journald writes out what it has, and lets go of its files.</summary>
    void RelinquishJournald();

    void ReturnJournald();

    Task SyncAsync(CancellationToken cancellation);

    // Saving.

    /// <summary>A process gets a scope of its own.</summary>
    Task GatherAsync(Workload workload, CancellationToken cancellation);

    void RemoveEarlierImages(ImageStore images);

    /// <param name="plan">The update.</param>
    /// <param name="index">Of the workload in the plan.</param>
    /// <param name="cancellation">Before it is ready.</param>
    Task<IDumper> PrepareDumpAsync(UpdatePlan plan, int index, CancellationToken cancellation);

    /// <summary>A dump that goes on without its daemon comes to its end; to cut it short could damage what it dumps.</summary>
    Task AwaitDumpsAsync();

    /// <summary>Internet sockets of the workload's processes that live now.</summary>
    IReadOnlyList<KeptEndpoint> Endpoints(Workload workload);

    /// <summary>Connections of the workloads that the kernel has, and no process yet, or no more.</summary>
    Unsettled Unsettled(IReadOnlyList<Workload> workloads);

    /// <summary>A process in the workload's unit that no dump of the workload would hold; null if there is none.</summary>
    int? Stray(Workload workload);

    void RemoveImages(ImageStore images, Workload workload);

    // Packets.

    IPacketLock OpenPacketLock();

    /// <summary>The holder of the packet lock looks at the journal again.</summary>
    void TellLockHolder();

    // The network's configuration.

    /// <summary>Of all links.</summary>
    IReadOnlyList<KeptAddress> Addresses();

    /// <summary>Reads it, and brings it to disk.</summary>
    Task<SavedNetwork> SaveNetworkAsync(CancellationToken cancellation);

    /// <summary>Makes it so again; what fails is undone before it throws.</summary>
    /// <returns>What is not as it was, in words.</returns>
    Task<IReadOnlyList<string>> RestoreNetworkAsync(NetworkState network, CancellationToken cancellation);

    /// <summary>What was saved, and what tells network managers of it. That there is none is no error.</summary>
    void ForgetNetwork();

    // Restoring.

    /// <summary>A connection can only be restored where its own address is up.</summary>
    /// <exception cref="TimeoutException">One is not, after this time.</exception>
    Task AwaitAddressesAsync(IReadOnlyList<KeptEndpoint> endpoints, TimeSpan patience, CancellationToken cancellation);

    /// <summary>Of these those that the endpoints are bound to, and neither this host nor another one on the link has.</summary>
    /// <returns>Why some of them are still not there.</returns>
    Task<IReadOnlyList<string>> BringUpAsync(IReadOnlyList<KeptAddress> addresses, IReadOnlyList<KeptEndpoint> endpoints, CancellationToken cancellation);

    /// <summary>Reads the images from end to end.</summary>
    /// <exception cref="InvalidDataException">They are not what was saved, or somebody else could have changed them.</exception>
    Task VerifyImagesAsync(ImageStore images, WorkloadState workload, CancellationToken cancellation);

    /// <param name="state">The update.</param>
    /// <param name="workload">One of it.</param>
    /// <param name="boundary">Called when all is built and nothing runs yet. If it throws, nothing ever will.</param>
    /// <param name="cancellation">Gives the restore up.</param>
    Task<RestoredProcess> RestoreAsync(UpdateState state, Workload workload, Action boundary, CancellationToken cancellation);

    /// <summary>CRIU's last log of the workload: of its restore, or else of its dump. Null where there is none.</summary>
    string? LastLog(ImageStore images, Workload workload);

    /// <summary>Tells systemd which process the service is, and that it has started.</summary>
    void Announce(Workload workload, int mainPid);

    /// <summary>Its main process runs, in its unit.</summary>
    bool IsAlive(Workload workload, int mainPid);

    /// <summary>Of a restore that ended after its boundary and before its last record: what it may have left to do is done.</summary>
    /// <returns>The main process; null if the workload does not live.</returns>
    Task<int?> FinishRestoreAsync(Workload workload, CancellationToken cancellation);
}

/// <summary>A CRIU that waits to dump a workload, or the conversation with a virtual machine's QEMU.</summary>
internal interface IDumper : IAsyncDisposable
{
    Workload Workload { get; }

    /// <summary>The workload stays as it is, frozen.</summary>
    /// <param name="cancellation">CRIU cannot be cancelled, and is waited for; a virtual machine's save, which may take longer, is broken off.</param>
    Task<DumpedImages> DumpAsync(CancellationToken cancellation);

    /// <summary>After the dump, last of all before the commit.</summary>
    /// <exception cref="StepFailedException">The workload has gone on, or ended, since.</exception>
    Task ConfirmAsync();
}

/// <param name="Bytes">Of the file.</param>
/// <param name="Digest">Of its content.</param>
/// <param name="LeftOut">What is not in it, in words.</param>
internal sealed record SavedNetwork(long Bytes, string Digest, IReadOnlyList<string> LeftOut);

/// <param name="Bytes">Of all images.</param>
/// <param name="Digest">Of their list of digests.</param>
/// <param name="Stopped">When it had stopped, if that was not with all others.</param>
internal sealed record DumpedImages(long Bytes, string Digest, Stamp? Stopped = null);

/// <param name="MainPid">The process that the workload is now.</param>
/// <param name="Running">Since when it runs; null for now.</param>
internal sealed record RestoredProcess(int MainPid, Stamp? Running = null);

/// <param name="Unaccepted">In the queue of a listening socket; the first one's address, null if there is none.</param>
/// <param name="Count">With those that are still being made, or were closed with something left to send.</param>
internal sealed record Unsettled(string? Unaccepted, int Count);

/// <summary>Tables that drop packets as long as this object, and this process, lives.</summary>
internal interface IPacketLock : IDisposable
{
    void Hold(int index, IReadOnlyList<KeptEndpoint> endpoints);

    /// <summary>Only new connections do not get through: what is there goes on.</summary>
    void HoldNewcomers(int index, IReadOnlyList<KeptEndpoint> endpoints);

    void Release(int index);
}
