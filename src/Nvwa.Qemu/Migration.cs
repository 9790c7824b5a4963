using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Nvwa.Qemu;

/// <param name="Stopped">When the machine's virtual CPUs stopped, by QEMU's STOP event; null if they did not run.</param>
/// <param name="Saved">When its state was written, by QEMU's MIGRATION event.</param>
public sealed record SaveTimes(DateTimeOffset? Stopped, DateTimeOffset Saved);

/// <summary>
/// Writes a machine's state to a file and reads it in another QEMU (docs/devel/migration/CPR.rst, main.rst). QEMU gets the
/// file as a descriptor: it needs no right to its path, and nobody else gets one.
/// <code>
/// old QEMU:    running --save--> postmigrate --quit--> .
///                 ^                  |
///                 +----- cont -------+
/// new QEMU:    inmigrate --load--> paused --cont--> running          started with -incoming defer -S
/// </code>
/// With -S nothing runs before the caller says so: until then the state may be loaded once more, and the old machine may go on.
/// </summary>
public static class Migration
{
    /// <summary>Arguments of a QEMU that is to load a state.</summary>
    public static readonly IReadOnlyList<string> IncomingArguments = ["-incoming", "defer", "-S"];

    private const string FileName = "nvwa";
    private const int FileSet = 7277;

    // QEMU's own limit, bytes a second, is for networks that others use too.
    private const long DefaultBandwidth = 128 << 20;
    private const long Unlimited = 1L << 50;

    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Stops the machine and writes its state. If it throws, the machine is stopped, or runs: <see cref="GoOnAsync"/>
    /// takes it back to what it was.
    /// </summary>
    /// <param name="qmp">To its QEMU.</param>
    /// <param name="features">Of that QEMU.</param>
    /// <param name="options">How.</param>
    /// <param name="file">Open for writing only.</param>
    /// <param name="direct">The same file past the page cache, for memory; null for none.</param>
    /// <param name="timeout">For all of it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="MigrationException">QEMU could not, in its words.</exception>
    /// <exception cref="QmpTransportException">QEMU ended.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public static async Task<SaveTimes> SaveAsync(
        QmpClient qmp, QemuFeatures features, MigrationOptions options, SafeHandle file, SafeHandle? direct, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(options);
        using QmpEvents events = qmp.Subscribe();
        return await ExplainedAsync("save", async () =>
        {
            string uri = await PrepareAsync(qmp, features, options, file, direct, cancellationToken);
            if (options.Mode == MigrationMode.Normal)
            {
                // The other modes stop it themselves, as late as they can.
                _ = await qmp.ExecuteAsync("stop", cancellationToken: cancellationToken);
            }

            _ = await qmp.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, cancellationToken: cancellationToken);
            return await EndAsync(qmp, events, timeout, cancellationToken);
        });
    }

    /// <summary>
    /// After <see cref="SaveAsync"/>, whatever became of it: the machine is what it was before, and its QEMU too.
    /// </summary>
    /// <param name="qmp">To its QEMU.</param>
    /// <param name="features">Of that QEMU.</param>
    /// <param name="isLive">Whether it was running or suspended before.</param>
    /// <param name="timeout">For all of it.</param>
    /// <param name="isAsleep">Whether it was suspended: QEMU up to 11.1 aborts when it is told to go on after it has saved such a machine ("invalid runstate transition").</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="AsleepException">It has; another QEMU must be given the state.</exception>
    public static async Task GoOnAsync(
        QmpClient qmp, QemuFeatures features, bool isLive, TimeSpan timeout, bool isAsleep = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        if (await StatusAsync(qmp, cancellationToken) is not (null or "completed" or "failed" or "cancelled" or "none"))
        {
            _ = await qmp.ExecuteAsync("migrate_cancel", cancellationToken: cancellationToken);
            await EndedAsync(qmp, timeout, cancellationToken);
        }

        // In this state QEMU saves a machine no second time, and only "cont" leads out of it: one that was paused runs for a moment.
        bool isAtItsEnd = await UnwoundAsync(qmp, timeout, cancellationToken) == "postmigrate";
        if (isLive && isAsleep && isAtItsEnd)
        {
            throw new AsleepException();
        }

        if (isLive || isAtItsEnd)
        {
            _ = await qmp.ExecuteAsync("cont", timeout: timeout, cancellationToken: cancellationToken);
        }

        if (!isLive && isAtItsEnd)
        {
            _ = await qmp.ExecuteAsync("stop", timeout: timeout, cancellationToken: cancellationToken);
        }

        await ResetAsync(qmp, features, cancellationToken);
    }

    /// <summary>Reads a state into a QEMU that was started with <see cref="IncomingArguments"/>. The machine stays stopped.</summary>
    /// <param name="qmp">To the new QEMU.</param>
    /// <param name="features">Of the new QEMU.</param>
    /// <param name="options">As it was saved.</param>
    /// <param name="file">Open for reading only.</param>
    /// <param name="direct">The same file past the page cache; null for none.</param>
    /// <param name="timeout">For all of it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="MigrationException">QEMU could not, in its words. It takes no second try: another QEMU must be started.</exception>
    /// <exception cref="QmpTransportException">QEMU ended.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public static async Task LoadAsync(
        QmpClient qmp, QemuFeatures features, MigrationOptions options, SafeHandle file, SafeHandle? direct, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(options);
        foreach (MemoryFile memory in options.Memory)
        {
            memory.RequireSame();
        }

        using QmpEvents events = qmp.Subscribe();
        await ExplainedAsync("load", async () =>
        {
            string uri = await PrepareAsync(qmp, features, options, file, direct, cancellationToken);
            var arguments = new JsonObject { ["uri"] = uri };
            if (features.OutlivesFailure)
            {
                arguments["exit-on-error"] = false;
            }

            _ = await qmp.ExecuteAsync("migrate-incoming", arguments, cancellationToken: cancellationToken);
            SaveTimes loaded = await EndAsync(qmp, events, timeout, cancellationToken);
            await ResetAsync(qmp, features, cancellationToken);
            return loaded;
        });
    }

    /// <summary>
    /// Has QEMU replace itself by cpr-exec-command, which was set before. If it throws, it has not, and
    /// <see cref="GoOnAsync"/> is the way back.
    /// </summary>
    /// <returns>The conversation has ended.</returns>
    /// <inheritdoc cref="SaveAsync"/>
    public static async Task<SaveTimes> ReplaceAsync(
        QmpClient qmp, QemuFeatures features, MigrationOptions options, SafeHandle file, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(options);
        using QmpEvents events = qmp.Subscribe();
        return await ExplainedAsync("replace", async () =>
        {
            string uri = await PrepareAsync(qmp, features, options, file, direct: null, cancellationToken);
            DateTimeOffset? stopped = null;
            DateTimeOffset? saved = null;
            try
            {
                _ = await qmp.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, cancellationToken: cancellationToken);
                // "Completed" comes before execve(2), which may still fail, or it does not come at all.
                _ = await EndAsync(qmp, events, timeout, cancellationToken, status => status is "failed" or "cancelled", See);
            }
            catch (QmpTransportException)
            {
                // As it should: its sockets close with execve(2).
            }

            return new SaveTimes(stopped, saved ?? TimeProvider.System.GetUtcNow());

            void See(QmpEvent each)
            {
                stopped = each.Name == "STOP" ? each.Timestamp : stopped;
                saved = each.Name == "MIGRATION" && Text(each.Data, "status") == "completed" ? each.Timestamp : saved;
            }
        });
    }

    /// <summary>Gives the machine to a QEMU that waits for it at these channels (qapi/migration.json, MigrationChannel).</summary>
    /// <inheritdoc cref="SaveAsync"/>
    public static async Task<SaveTimes> TransferAsync(
        QmpClient qmp, QemuFeatures features, IReadOnlyList<JsonObject> channels, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        using QmpEvents events = qmp.Subscribe();
        return await ExplainedAsync("transfer", async () =>
        {
            await SetAsync(qmp, features, new MigrationOptions(MigrationMode.CprTransfer), hasDirect: false, Unlimited, cancellationToken);
            _ = await qmp.ExecuteAsync("migrate", new JsonObject { ["channels"] = new JsonArray([.. channels]) }, cancellationToken: cancellationToken);
            return await EndAsync(qmp, events, timeout, cancellationToken);
        });
    }

    /// <summary>Whether a QEMU that waits for a state has been told where from.</summary>
    public static async Task<bool> IsComingAsync(QmpClient qmp, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        return await StatusAsync(qmp, cancellationToken) is not (null or "none");
    }

    /// <summary>Returns when a QEMU has read the state that is coming to it.</summary>
    /// <inheritdoc cref="SaveAsync"/>
    public static async Task LoadedAsync(QmpClient qmp, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        await EndedAsync(qmp, timeout, cancellationToken);
        if (await StatusAsync(qmp, cancellationToken) != "completed")
        {
            throw new MigrationException($"load: {await ReasonAsync(qmp, cancellationToken)}");
        }
    }

    /// <summary>Lets virtual CPUs run; of a machine that was suspended, its wait for a wake-up.</summary>
    /// <returns>When they did, by QEMU's RESUME event.</returns>
    public static async Task<DateTimeOffset> ContinueAsync(QmpClient qmp, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        using QmpEvents events = qmp.Subscribe();
        _ = await qmp.ExecuteAsync("cont", timeout: timeout, cancellationToken: cancellationToken);
        return (await events.WaitForAsync("RESUME", timeout, cancellationToken)).Timestamp;
    }

    /// <returns>Where QEMU writes to, or reads from.</returns>
    private static async Task<string> PrepareAsync(
        QmpClient qmp, QemuFeatures features, MigrationOptions options, SafeHandle file, SafeHandle? direct, CancellationToken cancellationToken)
    {
        bool hasDirect = direct is not null && options.Channels > 0 && features.HasDirectIo;
        await SetAsync(qmp, features, options, hasDirect, Unlimited, cancellationToken);
        if (!features.HasFiles)
        {
            _ = await qmp.PassAsync("getfd", new JsonObject { ["fdname"] = FileName }, file, cancellationToken: cancellationToken);
            return $"fd:{FileName}";
        }

        await ReleaseAsync(qmp, features, cancellationToken);
        _ = await qmp.PassAsync("add-fd", new JsonObject { ["fdset-id"] = FileSet }, file, cancellationToken: cancellationToken);
        if (hasDirect)
        {
            _ = await qmp.PassAsync("add-fd", new JsonObject { ["fdset-id"] = FileSet }, direct!, cancellationToken: cancellationToken);
        }

        return string.Create(CultureInfo.InvariantCulture, $"file:/dev/fdset/{FileSet}");
    }

    /// <summary>As QEMU has it from its start: what comes next may be somebody else's migration.</summary>
    private static async Task ResetAsync(QmpClient qmp, QemuFeatures features, CancellationToken cancellationToken)
    {
        await SetAsync(qmp, features, new MigrationOptions(MigrationMode.Normal), hasDirect: false, DefaultBandwidth, cancellationToken);
        await ReleaseAsync(qmp, features, cancellationToken);
    }

    private static async Task SetAsync(
        QmpClient qmp, QemuFeatures features, MigrationOptions options, bool hasDirect, long bandwidth, CancellationToken cancellationToken)
    {
        var capabilities = new JsonArray([.. options.Capabilities(features).Select(each => new JsonObject { ["capability"] = each.Name, ["state"] = each.Value })]);
        var parameters = new JsonObject { ["max-bandwidth"] = bandwidth };
        if (features.Modes.Count > 1)
        {
            parameters["mode"] = options.Mode.Name();
        }

        if (options.Channels > 0)
        {
            parameters["multifd-channels"] = options.Channels;
        }

        if (features.HasDirectIo)
        {
            parameters["direct-io"] = hasDirect;
        }

        // Some parameters are only taken with their capability, and some capabilities only without another's parameter.
        _ = await qmp.ExecuteAsync("migrate-set-capabilities", new JsonObject { ["capabilities"] = capabilities }, cancellationToken: cancellationToken);
        _ = await qmp.ExecuteAsync("migrate-set-parameters", parameters, cancellationToken: cancellationToken);
    }

    /// <summary>Takes descriptors back. That QEMU has none is no error.</summary>
    private static async Task ReleaseAsync(QmpClient qmp, QemuFeatures features, CancellationToken cancellationToken)
    {
        try
        {
            _ = features.HasFiles
                ? await qmp.ExecuteAsync("remove-fd", new JsonObject { ["fdset-id"] = FileSet }, cancellationToken: cancellationToken)
                : await qmp.ExecuteAsync("closefd", new JsonObject { ["fdname"] = FileName }, cancellationToken: cancellationToken);
        }
        catch (QmpException)
        {
            // There was none.
        }
    }

    private static async Task<SaveTimes> EndAsync(
        QmpClient qmp, QmpEvents events, TimeSpan timeout, CancellationToken cancellationToken, Func<string?, bool>? isEnd = null, Action<QmpEvent>? see = null)
    {
        using var deadline = new Deadline(TimeProvider.System, timeout, cancellationToken);
        isEnd ??= status => status is "completed" or "failed" or "cancelled";
        DateTimeOffset? stopped = null;
        try
        {
            await foreach (QmpEvent each in events.ReadAllAsync(deadline.Token))
            {
                see?.Invoke(each);
                if (each.Name == "STOP")
                {
                    stopped = each.Timestamp;
                }
                else if (each.Name == "MIGRATION" && Text(each.Data, "status") is var status && isEnd(status))
                {
                    return status == "completed" ? new SaveTimes(stopped, each.Timestamp) : throw new MigrationException(await ReasonAsync(qmp, deadline.Token));
                }
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw TooLong(qmp, timeout);
        }

        throw new ObjectDisposedException(nameof(QmpEvents));
    }

    private static async Task EndedAsync(QmpClient qmp, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(TimeProvider.System, timeout, cancellationToken);
        try
        {
            while (await StatusAsync(qmp, deadline.Token) is not ("completed" or "failed" or "cancelled"))
            {
                await Task.Delay(LookPause, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw TooLong(qmp, timeout);
        }
    }

    private static TimeoutException TooLong(QmpClient qmp, TimeSpan timeout) =>
        new($"{qmp.SocketPath}: the migration did not come to its end within {timeout.TotalSeconds:0.#} s");

    /// <summary>QEMU says that it failed before it has cleaned up, and refuses to continue the machine until then.</summary>
    /// <returns>The run state.</returns>
    private static async Task<string> UnwoundAsync(QmpClient qmp, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string state = (await qmp.QueryStatusAsync(cancellationToken)).Status;
        for (TimeSpan waited = TimeSpan.Zero; waited < timeout && state == "finish-migrate"; waited += LookPause)
        {
            await Task.Delay(LookPause, cancellationToken);
            state = (await qmp.QueryStatusAsync(cancellationToken)).Status;
        }

        return state;
    }

    private static async Task<string?> StatusAsync(QmpClient qmp, CancellationToken cancellationToken) =>
        Text(await qmp.ExecuteAsync("query-migrate", cancellationToken: cancellationToken), "status");

    private static async Task<string> ReasonAsync(QmpClient qmp, CancellationToken cancellationToken) =>
        Text(await qmp.ExecuteAsync("query-migrate", cancellationToken: cancellationToken), "error-desc") ?? "QEMU gives no reason; its own output may";

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static async Task<T> ExplainedAsync<T>(string operation, Func<Task<T>> run)
    {
        try
        {
            return await run();
        }
        catch (QmpException refused)
        {
            throw new MigrationException($"{operation}: {refused.Message}", refused);
        }
    }
}
