using System.Net.Sockets;
using System.Runtime.InteropServices;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu;

/// <summary>
/// Talks to one <c>criu swrk</c> process. One request at a time.
/// </summary>
/// <remarks>
/// <para>
/// Such a process answers any number of version and feature questions, then one request of another kind, and ends:
/// </para>
/// <code>
///   Open --version, feature check--> Open --check, dump, pre-dump, restore--> Spent
///     \                                                    |
///      `---- a packet, the deadline, a cancellation -------'--> Broken: closed, the first reason stays
/// </code>
/// <para>
/// CRIU closes after each request unless told to keep open, and hangs up without a word when told so for a request that
/// it does not do that for; hence this split. A pre-dump is sent as "single pre-dump": CRIU's other form wants a dump
/// to follow on the same connection.
/// </para>
/// <para>
/// Three failures that do not mix: <see cref="CriuException"/> (CRIU said no), <see cref="CriuTransportException"/>
/// (the connection broke), <see cref="ArgumentException"/> or <see cref="InvalidOperationException"/> (the caller is
/// wrong; nothing was sent). <see cref="CriuScriptException"/> tells that a handler refused and CRIU did it all the
/// same.
/// </para>
/// <para>
/// A deadline or a cancellation closes the connection, which CRIU notices only when it next asks or answers: until then
/// it goes on. Whoever started it must stop it.
/// </para>
/// </remarks>
public sealed partial class CriuClient : IAsyncDisposable
{
    private readonly CriuClientOptions _options;
    private readonly CriuConnection _connection;
    private CriuTransportException? _broken;
    private CriuOperation _spentBy;
    private int _busy;
    private bool _disposed;

    /// <param name="socket">
    /// A connected SOCK_SEQPACKET unix socket whose other end was given to <c>criu swrk</c>; owned by the client from
    /// here on. One end of a socketpair(2) made by this process (<see cref="CriuRequest"/> says why).
    /// </param>
    /// <param name="options">Deadlines and limits; null for the usual ones.</param>
    /// <exception cref="ArgumentException">The socket is of another kind.</exception>
    public CriuClient(Socket socket, CriuClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _options = options ?? new CriuClientOptions();
        _connection = new CriuConnection(socket, _options.MaximumReplyLength);
    }

    /// <inheritdoc cref="CriuClient(Socket, CriuClientOptions)"/>
    public CriuClient(SafeSocketHandle socket, CriuClientOptions? options = null)
        : this(new Socket(socket), options)
    {
    }

    /// <summary>Gets a value indicating whether another request can be made.</summary>
    public bool IsOpen => !_disposed && _broken is null && _spentBy == CriuOperation.None;

    /// <summary>Asks which CRIU this is. The connection stays open.</summary>
    public async Task<CriuVersion> VersionAsync(CancellationToken cancellationToken)
    {
        Request request = new() { Type = RequestType.Version, KeepOpen = true };
        Call call = new(CriuOperation.Version, request, _options.QueryDeadline);
        Response response = await PerformAsync(call, cancellationToken);
        Protocol.Version version = response.Version ?? throw Lacks(call, "the version");
        return new CriuVersion(version.MajorNumber, version.MinorNumber, version.Sublevel)
        {
            GitId = version.HasGitId ? version.GitId : null,
            ReleaseName = version.HasName ? version.Name : null,
        };
    }

    /// <summary>Asks which features CRIU and the kernel have. The connection stays open.</summary>
    public async Task<CriuFeatures> FeatureCheckAsync(CancellationToken cancellationToken)
    {
        Request request = new()
        {
            Type = RequestType.FeatureCheck,
            KeepOpen = true,
            Features = new Features { MemTrack = true, LazyPages = true, PidfdStore = true },
        };
        Call call = new(CriuOperation.FeatureCheck, request, _options.QueryDeadline);
        Response response = await PerformAsync(call, cancellationToken);
        Features features = response.Features ?? throw Lacks(call, "the features");
        return new CriuFeatures(features.MemTrack, features.LazyPages, features.PidfdStore);
    }

    /// <summary>Asks whether CRIU can work on this kernel.</summary>
    /// <exception cref="CriuException">It cannot.</exception>
    public async Task CheckAsync(CheckRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        using DescriptorLeases leases = new();

        // CRIU from 4.2 on checks without options; with a log name but no place for it, it would refuse.
        bool hasPlace = request.ImagesDirectory is not null || request.ImagesPath is not null
            || request.WorkDirectory is not null;
        Request wire = new() { Type = RequestType.Check };
        if (hasPlace)
        {
            wire.Options = OptionsWire.Of(request, leases);
        }

        string? log = hasPlace ? LogPath(request) : null;
        await PerformAsync(new Call(CriuOperation.Check, wire, request.Deadline) { LogPath = log }, cancellationToken);
    }

    /// <summary>Dumps a process tree.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="onScript">Called at each of CRIU's moments; null when they are of no interest.</param>
    /// <param name="cancellationToken">Ends the wait, not CRIU.</param>
    /// <exception cref="CriuException">It failed; the processes go on as before.</exception>
    public Task DumpAsync(DumpRequest request, CriuScriptHandler? onScript, CancellationToken cancellationToken) =>
        DumpAsync(CriuOperation.Dump, RequestType.Dump, request, onScript, cancellationToken);

    /// <summary>
    /// Copies the memory of a process tree while it runs; <see cref="DumpRequest.TrackMemory"/> must be set for the
    /// next dump to be smaller. CRIU has no moments in a pre-dump.
    /// </summary>
    /// <exception cref="CriuException">It failed; the processes go on as before.</exception>
    public Task PreDumpAsync(DumpRequest request, CancellationToken cancellationToken) =>
        DumpAsync(CriuOperation.PreDump, RequestType.SinglePreDump, request, onScript: null, cancellationToken);

    /// <summary>Restores a process tree.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="onScript">
    /// Called at each of CRIU's moments; null when they are of no interest. <see cref="CriuScript.PostRestore"/> is the
    /// last one at which a refusal, or a client that dies, keeps the processes from running.
    /// </param>
    /// <param name="cancellationToken">Ends the wait, not CRIU.</param>
    /// <returns>The PID of the root process.</returns>
    /// <exception cref="CriuException">It failed; what had been made is killed.</exception>
    /// <exception cref="CriuScriptException">The processes run, but a handler failed.</exception>
    public async Task<int> RestoreAsync(
        RestoreRequest request,
        CriuScriptHandler? onScript,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        using DescriptorLeases leases = new();
        Request wire = new()
        {
            Type = RequestType.Restore,
            Options = OptionsWire.Of(request, leases, onScript is not null),
        };
        Call call = new(CriuOperation.Restore, wire, request.Deadline)
        {
            LogPath = LogPath(request),
            OnScript = onScript,
        };
        Response response = await PerformAsync(call, cancellationToken);
        return response.Restore is { Pid: > 0 } restored ? restored.Pid : throw Lacks(call, "the PID");
    }

    public ValueTask DisposeAsync()
    {
        _disposed = true;
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task DumpAsync(
        CriuOperation operation,
        RequestType type,
        DumpRequest request,
        CriuScriptHandler? onScript,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        using DescriptorLeases leases = new();
        Request wire = new() { Type = type, Options = OptionsWire.Of(request, leases, onScript is not null) };
        Call call = new(operation, wire, request.Deadline) { LogPath = LogPath(request), OnScript = onScript };
        await PerformAsync(call, cancellationToken);
    }

    /// <summary>Where the log of a request is, as well as it can be known from here.</summary>
    private static string? LogPath(CriuRequest request)
    {
        SafeHandle? directory = request.WorkDirectory ?? request.ImagesDirectory;
        string? path = directory is null
            ? request.ImagesPath
            : new FileInfo($"/proc/self/fd/{directory.DangerousGetHandle()}").LinkTarget;
        return path is null ? null : Path.Combine(path, request.LogFile);
    }
}
