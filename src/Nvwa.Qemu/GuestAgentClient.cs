using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Nvwa.Qemu;

/// <summary>
/// Talks to the qemu-guest-agent in a guest, through the unix socket of its virtio-serial port.
/// <code>
///            connect                  sync answered
/// [closed] ==========> [connected] =================> [in step]     command and reply, one at a time
///     ^                     |                             |
///     +=====================+=============================+   closed, timed out, cancelled or not understood
/// </code>
/// The port has no notion of a conversation: what one agent was told, its successor (after a kexec, a reboot or a restart) may
/// answer, and half a line may be left on either side. So nothing is believed until a guest-sync-delimited is answered with
/// its own number after a 0xFF, and after any trouble the next command begins with one again. A command whose reply did not
/// come may have been done: the caller decides whether it may be repeated.
/// </summary>
public sealed partial class GuestAgentClient(string socketPath, TimeProvider? clock = null) : IDisposable
{
    // guest-exec-status carries two outputs of 16 MiB in base64; guest-file-read is asked for less.
    private const int MaxLineBytes = 64 << 20;

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstSyncPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestSyncPatience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan SyncRetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly SemaphoreSlim _conversation = new(1);
    private JsonLines? _lines;

    /// <summary>Waits until an agent answers, through as many lost questions and closed sockets as it takes.</summary>
    /// <exception cref="TimeoutException">No agent answered in time.</exception>
    public async Task SyncAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using var deadline = new Deadline(_clock, timeout, cancellationToken);
        try
        {
            await _conversation.WaitAsync(deadline.Token);
            try
            {
                LeaveStep();
                _ = await InStepAsync(deadline.Token);
            }
            finally
            {
                _ = _conversation.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw new TimeoutException($"{socketPath}: no guest agent answered within {timeout.TotalSeconds:0.#} s");
        }
    }

    public async Task PingAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _ = await ExecuteAsync("guest-ping", timeout: timeout, cancellationToken: cancellationToken);

    /// <summary>Runs one agent command, after a sync where it is needed, and returns its "return" value.</summary>
    /// <param name="command">The agent's name for it, such as "guest-info".</param>
    /// <param name="arguments">Belongs to the call from here on.</param>
    /// <param name="timeout">For sync and reply together; half a minute unless told.</param>
    /// <param name="cancellationToken">Stops waiting; the guest may still run the command.</param>
    /// <exception cref="QmpException">The agent refused.</exception>
    /// <exception cref="QmpTransportException">The socket closed, or the agent was not understood.</exception>
    /// <exception cref="TimeoutException">No reply in time.</exception>
    public async Task<JsonElement> ExecuteAsync(
        string command, JsonObject? arguments = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        TimeSpan patience = timeout ?? DefaultTimeout;
        using var deadline = new Deadline(_clock, patience, cancellationToken);
        try
        {
            await _conversation.WaitAsync(deadline.Token);
            try
            {
                return QmpReply.Value(command, await AskAsync(Command(command, arguments), deadline.Token));
            }
            finally
            {
                _ = _conversation.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw new TimeoutException($"{socketPath}: no reply to {command} within {patience.TotalSeconds:0.#} s");
        }
    }

    /// <summary>Tells the guest to shut down. The agent does not answer this one; a refusal is not seen either.</summary>
    public Task ShutdownAsync(GuestShutdown mode, CancellationToken cancellationToken = default)
    {
        var arguments = new JsonObject
        {
            ["mode"] = mode switch
            {
                GuestShutdown.PowerOff => "powerdown",
                GuestShutdown.Reboot => "reboot",
                GuestShutdown.Halt => "halt",
                GuestShutdown.None or _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "not a way to shut down"),
            },
        };
        return TellAsync("guest-shutdown", arguments, DefaultTimeout, cancellationToken);
    }

    /// <summary>Tells the guest to suspend to RAM. No answer either: QEMU's event SUSPEND says that it did.</summary>
    /// <param name="timeout">For the agent to take it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task SuspendAsync(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        TellAsync("guest-suspend-ram", arguments: null, timeout, cancellationToken);

    public void Dispose()
    {
        LeaveStep();
        _conversation.Dispose();
    }

    private async Task TellAsync(string command, JsonObject? arguments, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_clock, timeout, cancellationToken);
        try
        {
            await _conversation.WaitAsync(deadline.Token);
            try
            {
                JsonLines lines = await InStepAsync(deadline.Token);
                await lines.WriteAsync(Command(command, arguments), sentinel: false, descriptor: null, deadline.Token);
                LeaveStep();
            }
            finally
            {
                _ = _conversation.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw new TimeoutException($"{socketPath}: the agent did not take {command}");
        }
    }

    private static JsonObject Command(string command, JsonObject? arguments)
    {
        var message = new JsonObject { ["execute"] = command };
        if (arguments is not null)
        {
            message["arguments"] = arguments;
        }

        return message;
    }

    private async Task<T> ExecuteAsync<T>(
        string command, JsonTypeInfo<T> reply, JsonObject arguments, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        JsonElement value = await ExecuteAsync(command, arguments, timeout, cancellationToken);
        try
        {
            return value.Deserialize(reply) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new QmpTransportException(socketPath, $"the reply to {command} is not what the agent documents", e);
        }
    }

    private async Task<JsonElement> AskAsync(JsonObject command, CancellationToken cancellationToken)
    {
        JsonLines lines = await InStepAsync(cancellationToken);
        bool answered = false;
        try
        {
            await lines.WriteAsync(command, sentinel: false, descriptor: null, cancellationToken);
            ReadOnlyMemory<byte> line = await lines.ReadLineAsync(cancellationToken);
            JsonElement reply = lines.Parse(line);
            answered = QmpReply.IsReply(reply);
            return answered ? reply : throw lines.Broken("the agent sent something that is not a reply");
        }
        finally
        {
            if (!answered)
            {
                LeaveStep();
            }
        }
    }

    // Patience doubles: an agent on a busy emulator may need longer for an answer than a lost question should cost.
    private async Task<JsonLines> InStepAsync(CancellationToken cancellationToken)
    {
        TimeSpan patience = FirstSyncPatience;
        while (_lines is null)
        {
            using var attempt = new Deadline(_clock, patience, cancellationToken);
            if (!await TrySyncAsync(attempt))
            {
                await Task.Delay(SyncRetryDelay, _clock, cancellationToken);
                patience = patience * 2 < LongestSyncPatience ? patience * 2 : LongestSyncPatience;
            }
        }

        return _lines;
    }

    // A question put while no agent listens waits in the port, or is lost with the kernel that had taken it: so ask again.
    private async Task<bool> TrySyncAsync(Deadline attempt)
    {
        bool synced = false;
        try
        {
            _lines = await JsonLines.ConnectAsync(socketPath, MaxLineBytes, attempt.Token);
            await SyncAsync(_lines, attempt.Token);
            synced = true;
        }
        catch (QmpTransportException)
        {
            // Closed, or something half said by an older agent: the next attempt has a new connection.
        }
        catch (OperationCanceledException) when (attempt.Passed)
        {
            // Nobody answered yet.
        }
        finally
        {
            if (!synced)
            {
                LeaveStep();
            }
        }

        return synced;
    }

    private static async Task SyncAsync(JsonLines lines, CancellationToken cancellationToken)
    {
        int number = RandomNumberGenerator.GetInt32(1, int.MaxValue);
        JsonObject question = Command("guest-sync-delimited", new JsonObject { ["id"] = number });
        await lines.WriteAsync(question, sentinel: true, descriptor: null, cancellationToken);
        while (true)
        {
            ReadOnlyMemory<byte> line = await lines.ReadLineAsync(cancellationToken);
            if (AnswersSync(lines, line, number))
            {
                return;
            }
        }
    }

    // What lies before the 0xFF belongs to an older conversation; so do answers with other numbers.
    private static bool AnswersSync(JsonLines lines, ReadOnlyMemory<byte> line, int number)
    {
        int sentinel = line.Span.LastIndexOf(JsonLines.Sentinel);
        if (sentinel < 0)
        {
            return false;
        }

        JsonElement reply = lines.Parse(line[(sentinel + 1)..]);
        return reply.TryGetProperty("return", out JsonElement value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int answered) && answered == number;
    }

    private void LeaveStep()
    {
        _lines?.Dispose();
        _lines = null;
    }
}
