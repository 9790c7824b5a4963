using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Nvwa.Qemu;

/// <summary>
/// A conversation with one QEMU over its QMP unix socket.
/// <code>
/// QEMU:    {"QMP": {"version", "capabilities"}}
/// client:  {"execute": "qmp_capabilities", "id"}
/// QEMU:    {"return": {}, "id"}                        from here on commands, several at a time
/// QEMU:    {"event", "timestamp", "data"}              at any time
/// </code>
/// Invariants: one task reads; writes are one at a time; whatever ends the conversation goes through <see cref="Break"/>, and
/// its first reason is the one that every waiting and every later call throws. A command that times out or is cancelled
/// leaves the conversation whole: its late reply is recognised by its id and dropped.
/// </summary>
public sealed class QmpClient : IAsyncDisposable
{
    // query-qmp-schema is the longest reply in use: about 400 KiB in QEMU 11.
    private const int MaxLineBytes = 16 << 20;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    private readonly JsonLines _lines;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CancellationTokenSource _stopReading = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _pending = new();
    private readonly Lock _gate = new();
    private readonly List<QmpEvents> _subscribers = [];
    private readonly TaskCompletionSource<QmpTransportException> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private QmpTransportException? _reason;
    private long _lastId;
    private int _isDisposed;

    private QmpClient(string socketPath, JsonLines lines, QmpVersion version, TimeProvider clock)
    {
        SocketPath = socketPath;
        _lines = lines;
        Version = version;
        _clock = clock;
    }

    public string SocketPath { get; }

    public QmpVersion Version { get; }

    /// <summary>The process that made the socket: QEMU, unless it was given one.</summary>
    public int PeerPid => _lines.Peer.Pid;

    /// <summary>Its user when it made the socket.</summary>
    public uint PeerUser => _lines.Peer.Uid;

    /// <summary>Ends, with the reason, when the conversation ends: QEMU quit, was killed or replaced itself.</summary>
    public Task<QmpTransportException> Ended => _broken.Task;

    /// <summary>Connects, and goes on trying while nobody listens there yet: a QEMU that starts makes its socket a little later.</summary>
    /// <exception cref="TimeoutException">Nobody listened, or nobody spoke QMP, in time.</exception>
    public static async Task<QmpClient> ConnectAsync(
        string socketPath, TimeSpan timeout, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        clock ??= TimeProvider.System;
        using var deadline = new Deadline(clock, timeout, cancellationToken);
        Exception? last = null;
        try
        {
            while (true)
            {
                try
                {
                    last = null;
                    return await GreetAsync(socketPath, clock, deadline.Token);
                }
                catch (QmpTransportException e)
                {
                    last = e;
                }

                await Task.Delay(RetryDelay, clock, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            // QEMU greets its next client when the one before has gone.
            string reason = last is null && File.Exists(socketPath) ? ": somebody listens and does not greet; QMP has one client at a time, and another may hold it" : "";
            throw new TimeoutException($"{socketPath}: no QMP within {timeout.TotalSeconds:0.#} s{reason}", last);
        }
    }

    /// <summary>Runs one QMP command and returns its "return" value.</summary>
    /// <param name="command">QEMU's name, such as "query-status".</param>
    /// <param name="arguments">Belongs to the call from here on.</param>
    /// <param name="timeout">For the reply; a minute unless told. Long work answers at once and reports by events.</param>
    /// <param name="cancellationToken">Stops waiting; QEMU still runs the command.</param>
    /// <exception cref="QmpException">QEMU refused.</exception>
    /// <exception cref="QmpTransportException">The conversation ended.</exception>
    /// <exception cref="TimeoutException">No reply in time.</exception>
    public Task<JsonElement> ExecuteAsync(
        string command, JsonObject? arguments = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        ExecuteAsync(command, arguments, descriptor: null, timeout, cancellationToken);

    /// <summary>The same, with a descriptor that goes with the command, such as "add-fd".</summary>
    public Task<JsonElement> PassAsync(
        string command, JsonObject arguments, SafeHandle descriptor, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        ExecuteAsync(command, arguments, descriptor, timeout, cancellationToken);

    private async Task<JsonElement> ExecuteAsync(
        string command, JsonObject? arguments, SafeHandle? descriptor, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        TimeSpan patience = timeout ?? DefaultTimeout;
        using var deadline = new Deadline(_clock, patience, cancellationToken);
        long id = Interlocked.Increment(ref _lastId);
        Task<JsonElement> reply = AddPending(id);
        try
        {
            await SendAsync(Command(command, arguments, id), descriptor, deadline.Token);
            return QmpReply.Value(command, await reply.WaitAsync(deadline.Token));
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw new TimeoutException($"{SocketPath}: no reply to {command} within {patience.TotalSeconds:0.#} s");
        }
        finally
        {
            _ = _pending.TryRemove(id, out _);
        }
    }

    /// <summary>Runs one QMP command and reads its value as a type.</summary>
    public async Task<T> ExecuteAsync<T>(
        string command, JsonTypeInfo<T> reply, JsonObject? arguments = null, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        JsonElement value = await ExecuteAsync(command, arguments, timeout, cancellationToken);
        try
        {
            return value.Deserialize(reply) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw _lines.Broken($"the reply to {command} is not what QEMU documents", e);
        }
    }

    public Task<QmpRunStatus> QueryStatusAsync(CancellationToken cancellationToken = default) =>
        ExecuteAsync("query-status", QmpJson.Default.QmpRunStatus, cancellationToken: cancellationToken);

    /// <summary>Asks QEMU to end, and returns when the conversation has ended.</summary>
    public async Task QuitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        try
        {
            _ = await ExecuteAsync("quit", timeout: timeout, cancellationToken: cancellationToken);
        }
        catch (QmpTransportException)
        {
            // QEMU may be gone before its reply is read; that is what was asked for.
        }

        _ = await Ended.WaitAsync(timeout, _clock, cancellationToken);
    }

    /// <summary>All events from now on.</summary>
    public QmpEvents Subscribe()
    {
        var events = new QmpEvents(SocketPath, _clock, Unsubscribe);
        lock (_gate)
        {
            _subscribers.Add(events);
            if (_reason is not null)
            {
                events.End(_reason);
            }
        }

        return events;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _ = Break("closed here");
        await _stopReading.CancelAsync();
        await _reading;
        _lines.Dispose();
        // A write under way has failed with the socket; it gives the semaphore back before that goes.
        await _writing.WaitAsync();
        _stopReading.Dispose();
        _writing.Dispose();
    }

    private static async Task<QmpClient> GreetAsync(string socketPath, TimeProvider clock, CancellationToken cancellationToken)
    {
        JsonLines lines = await JsonLines.ConnectAsync(socketPath, MaxLineBytes, cancellationToken);
        QmpClient? client = null;
        try
        {
            QmpVersion version = ReadGreeting(lines, await lines.ReadLineAsync(cancellationToken));
            client = new QmpClient(socketPath, lines, version, clock);
            client._reading = client.ReadAsync(client._stopReading.Token);
            _ = await client.ExecuteAsync("qmp_capabilities", cancellationToken: cancellationToken);
            return client;
        }
        catch
        {
            lines.Dispose();
            if (client is not null)
            {
                await client.DisposeAsync();
            }

            throw;
        }
    }

    private static QmpVersion ReadGreeting(JsonLines lines, ReadOnlyMemory<byte> line)
    {
        try
        {
            JsonElement version = lines.Parse(line).GetProperty("QMP").GetProperty("version");
            QmpVersionReply reply = version.Deserialize(QmpJson.Default.QmpVersionReply)!;
            return new QmpVersion(reply.Qemu.Major, reply.Qemu.Minor, reply.Qemu.Micro, reply.Package);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or JsonException)
        {
            throw lines.Broken("the peer does not greet as QMP does", e);
        }
    }

    private static JsonObject Command(string command, JsonObject? arguments, long id)
    {
        var message = new JsonObject { ["execute"] = command, ["id"] = id };
        if (arguments is not null)
        {
            message["arguments"] = arguments;
        }

        return message;
    }

    private Task<JsonElement> AddPending(long id)
    {
        var pending = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_reason is not null)
            {
                throw new QmpTransportException(SocketPath, _reason.Reason, _reason);
            }

            _pending[id] = pending;
        }

        return pending.Task;
    }

    // Half a command on the wire would spoil the next one, so a write that has begun is not cancelled by the caller. It cannot
    // hang for ever either: QEMU that does not read its monitor is ended by its owner, and this conversation with it.
    private async Task SendAsync(JsonObject message, SafeHandle? descriptor, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        Task write = WriteAndReleaseAsync(message, descriptor);
        await write.WaitAsync(cancellationToken);
    }

    private async Task WriteAndReleaseAsync(JsonObject message, SafeHandle? descriptor)
    {
        try
        {
            await _lines.WriteAsync(message, sentinel: false, descriptor, CancellationToken.None);
        }
        catch (QmpTransportException e)
        {
            throw Break(e.Reason, e);
        }
        finally
        {
            _ = _writing.Release();
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                Dispatch(_lines.Parse(await _lines.ReadLineAsync(cancellationToken)));
            }
        }
        catch (QmpTransportException e)
        {
            _ = Break(e.Reason, e);
        }
        catch (OperationCanceledException)
        {
            _ = Break("closed here");
        }
    }

    private void Dispatch(JsonElement message)
    {
        if (message.TryGetProperty("event", out JsonElement name))
        {
            Publish(ReadEvent(name, message));
        }
        else if (QmpReply.IsReply(message))
        {
            Complete(message);
        }
        else
        {
            throw _lines.Broken("a message is neither an event nor a reply");
        }
    }

    private QmpEvent ReadEvent(JsonElement name, JsonElement message)
    {
        try
        {
            JsonElement timestamp = message.GetProperty("timestamp");
            DateTimeOffset time = DateTimeOffset.FromUnixTimeSeconds(timestamp.GetProperty("seconds").GetInt64())
                .AddMicroseconds(timestamp.GetProperty("microseconds").GetInt64());
            _ = message.TryGetProperty("data", out JsonElement data);
            return new QmpEvent(name.GetString() ?? throw _lines.Broken("an event has no name"), time, data);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentOutOfRangeException)
        {
            throw _lines.Broken("an event is not what QEMU documents", e);
        }
    }

    // An error before the id was read has none: it cannot be told whose it is, so nobody may go on waiting.
    private void Complete(JsonElement reply)
    {
        if (!reply.TryGetProperty("id", out JsonElement id)
            || id.ValueKind != JsonValueKind.Number || !id.TryGetInt64(out long number))
        {
            throw _lines.Broken($"a reply without its id: {reply.GetRawText()}");
        }

        if (_pending.TryRemove(number, out TaskCompletionSource<JsonElement>? pending))
        {
            _ = pending.TrySetResult(reply);
        }
    }

    private void Publish(QmpEvent received)
    {
        lock (_gate)
        {
            _subscribers.ForEach(subscriber => subscriber.Publish(received));
        }
    }

    private void Unsubscribe(QmpEvents events)
    {
        lock (_gate)
        {
            _ = _subscribers.Remove(events);
        }
    }

    private QmpTransportException Break(string reason, Exception? cause = null)
    {
        var exception = new QmpTransportException(SocketPath, reason, cause);
        lock (_gate)
        {
            if (_reason is not null)
            {
                return _reason;
            }

            _reason = exception;
            _subscribers.ForEach(subscriber => subscriber.End(exception));
        }

        foreach (long id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out TaskCompletionSource<JsonElement>? pending))
            {
                _ = pending.TrySetException(exception);
            }
        }

        _ = _broken.TrySetResult(exception);
        return exception;
    }
}
