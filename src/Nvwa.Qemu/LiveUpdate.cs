using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>
/// Puts another QEMU under a machine while the kernel stays: by CPR (docs/devel/migration/CPR.rst) or, where QEMU has none, by
/// its ordinary state in a file.
/// <code>
/// cpr-exec:      state to the file, execve(2)       load   cont        the way back ends with execve(2)
/// cpr-transfer:  start new, state over sockets      kill old   cont    ... with the old one's death
/// else:          state to the file, quit, start new   load   cont      ... with cont: the old program gets the state, too
/// </code>
/// Whatever fails before leaves the machine running in the old QEMU, or takes it back there (but one that sleeps, once it is saved: its
/// state is kept then). What fails after "cont" was said
/// changes nothing any more: the machine may have run, and its state in the file is not what it is now.
/// </summary>
/// <param name="old">That has the machine.</param>
/// <param name="launcher">Starts the next one.</param>
/// <param name="stateFile">A path for the state, in a directory of the caller's own, which is empty; gone afterwards.</param>
public sealed class LiveUpdate(QemuInstance old, IQemuLauncher launcher, string stateFile)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>For a QEMU that stands still to let its machine run, or to end.</summary>
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(60);

    private bool _keepsState;

    /// <summary>For QEMU to write, or read, all of a machine.</summary>
    public TimeSpan StateTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>For a QEMU to start, which may take all of its memory first (prealloc=on), or to break off what it writes to a slow disk.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Why a machine cannot be handed over in a mode; null if it can. QEMU itself does not look at the memory before
    /// cpr-exec, and loses a machine whose memory is private.
    /// </summary>
    public static string? Obstacle(QemuInstance machine, MigrationMode mode)
    {
        ArgumentNullException.ThrowIfNull(machine);
        (MachineFacts facts, QemuFeatures features) = (machine.Facts, machine.Features);
        if (!features.Modes.Contains(mode))
        {
            return $"QEMU {facts.Version.Number} has no {mode.Name()}";
        }

        if (mode is not (MigrationMode.CprExec or MigrationMode.CprTransfer))
        {
            return null;
        }

        return facts.Ram.FirstOrDefault(ram => !ram.IsShared) is { } @private ? $"its memory {@private.Id} ({@private.Type}) is private"
            : facts.Ram.FirstOrDefault(ram => ram is { Path: null, Type: not "memory-backend-memfd" }) is { } anonymous ? $"its memory {anonymous.Id} ({anonymous.Type}) is no file that can be handed over"
            : !facts.SharesAuxiliaryRam ? "it was started without -machine aux-ram-share=on"
            : mode == MigrationMode.CprExec && machine.HasTap ? "QEMU leaves its tap device open to the program it becomes, which could not open it again"
            : mode == MigrationMode.CprExec && machine.CommandLine.DeniesSpawn ? "it was started with -sandbox spawn=deny, and may execute nothing"
            : mode == MigrationMode.CprTransfer && machine.User != 0 ? "its QEMU is not root's, and could make no socket for the new one"
            : mode == MigrationMode.CprTransfer && facts.Status == MachineFacts.Suspended ? "it is suspended, and its QEMU could not go on with it if the new one failed"
            : mode == MigrationMode.CprTransfer && machine.HasTap ? "its tap device can be open in one QEMU only"
            : mode == MigrationMode.CprTransfer && machine.CommandLine.HasPidFile ? "its -pidfile can be held by one QEMU only"
            : mode == MigrationMode.CprTransfer && machine.Ports is [var port, ..] ? $"it listens at {port}, where one QEMU only can"
            : null;
    }

    /// <summary>With the least blackout of those that have no obstacle.</summary>
    public static MigrationMode Best(QemuInstance machine, bool mayTransfer) =>
        ((MigrationMode[])[MigrationMode.CprExec, MigrationMode.CprTransfer, MigrationMode.CprReboot])
            .Where(mode => mayTransfer || mode != MigrationMode.CprTransfer)
            .FirstOrDefault(mode => Obstacle(machine, mode) is null, MigrationMode.Normal);

    /// <param name="mode">How.</param>
    /// <param name="program">The new QEMU; null for what stands now where the old one was started from.</param>
    /// <param name="cancellationToken">Ends it before the old QEMU is gone; but a cpr-exec only before it has begun.</param>
    /// <exception cref="MigrationException">It failed; the message says what became of the machine.</exception>
    public async Task<LiveUpdateReport> RunAsync(MigrationMode mode, string? program, CancellationToken cancellationToken = default)
    {
        await RequireAsync(mode, program ?? old.CommandLine.Program, cancellationToken);
        try
        {
            return mode switch
            {
                MigrationMode.CprExec => await ExecAsync(program, cancellationToken),
                MigrationMode.CprTransfer => await TransferAsync(program, cancellationToken),
                _ => await ThroughFileAsync(mode, program, cancellationToken),
            };
        }
        catch (Exception failed) when (failed is not MigrationException && StateLoad.IsExpected(failed))
        {
            throw new MigrationException($"{failed.Message}; what became of the machine is not known", failed);
        }
        finally
        {
            if (!_keepsState)
            {
                File.Delete(stateFile);
            }
        }
    }

    /// <summary>
    /// The last look before anything is touched. Callers may have looked already: after cpr-exec into a program that is no
    /// QEMU there is no way back, and through a file a machine would stand still for as long as the program is waited for.
    /// </summary>
    private async Task RequireAsync(MigrationMode mode, string program, CancellationToken cancellationToken)
    {
        try
        {
            string? obstacle = Obstacle(old, mode)
                ?? (await QemuProbe.RunAsync(program, Path.GetDirectoryName(stateFile)!, StartTimeout, cancellationToken)).Obstacle(old.Facts, mode);
            if (obstacle is not null)
            {
                throw new MigrationException(obstacle);
            }
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            throw new MigrationException($"{failed.Message}; the machine goes on in the QEMU that it had", failed);
        }
    }

    /// <summary>QEMU replaces itself. What it becomes has the same PID, the same sockets' paths, and the memory's descriptors.</summary>
    private async Task<LiveUpdateReport> ExecAsync(string? program, CancellationToken cancellationToken)
    {
        StateLoad load = Load(MigrationMode.CprExec);
        MigrationOptions options = load.Machine.Options;
        QemuCommandLine next = old.CommandLine.ForIncoming(program, old.Facts.Type, Migration.IncomingArguments);
        using SafeFileHandle? process = Pidfd.Open(old.Pid);
        SaveTimes times;
        try
        {
            var command = new JsonArray([.. next.Arguments.Select(argument => JsonValue.Create(argument))]);
            _ = await old.Qmp.ExecuteAsync("migrate-set-parameters", new JsonObject { ["cpr-exec-command"] = command }, cancellationToken: cancellationToken);
            using SafeFileHandle file = StateFile.Create(stateFile);
            cancellationToken.ThrowIfCancellationRequested();
            // Not broken off: it may be past its last word before execve(2), and nobody would have the new QEMU read the state.
            times = await Migration.ReplaceAsync(old.Qmp, old.Features, options, file, StateTimeout, CancellationToken.None);
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            throw await TakenBackAsync(MigrationMode.CprExec, failed);
        }

        LoadedMachine loaded;
        try
        {
            loaded = await load.FromFileAsync(token => process is null ? Task.CompletedTask : Pidfd.WaitAsync(process, token));
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            // Whatever it is, it has no machine.
            await KillAsync(process);
            throw new MigrationException($"{failed.Message}; the old QEMU is gone, and with it the machine's memory: it has to be started anew", failed);
        }

        return await ResumeAsync(loaded, options.Mode, times, []);
    }

    /// <summary>The new QEMU waits beside the old one, which gives it the memory over a socket, and the rest over another.</summary>
    private async Task<LiveUpdateReport> TransferAsync(string? program, CancellationToken cancellationToken)
    {
        string main = stateFile + ".main";
        string cpr = stateFile + ".cpr";
        QemuCommandLine next = old.CommandLine.ForIncoming(
            program, old.Facts.Type, ["-incoming", $"unix:{main}", "-incoming", Channel("cpr", cpr).ToJsonString(), "-S"]);
        bool isStarted = false;
        LoadedMachine loaded;
        SaveTimes times;
        SecondNames? sockets = null;
        try
        {
            // Where the old one listens the new one will, whatever becomes of it: nobody would reach the old one any more.
            sockets = SecondNames.Give(old.SocketPaths);
            // Not broken off: whoever starts it would go on to.
            await launcher.StartAsync(next, CancellationToken.None);
            isStarted = true;
            await StateLoad.WhileItRunsAsync(token => AppearedAsync(cpr, token), launcher.EndedAsync, cancellationToken);
            times = await Migration.TransferAsync(old.Qmp, old.Features, [Channel("main", main), Channel("cpr", cpr)], StateTimeout, cancellationToken);
            loaded = await Load(MigrationMode.CprTransfer).FromSocketAsync(times.Saved, cancellationToken);
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            if (isStarted)
            {
                // If it does not end, it waits for ever: nothing runs in it.
                await StateLoad.EndAsync(() => launcher.EndAsync(CancellationToken.None), []);
            }

            MigrationException told = await TakenBackAsync(MigrationMode.CprTransfer, failed);
            sockets?.PutBack();
            throw told;
        }
        finally
        {
            sockets?.Dispose();
            File.Delete(main);
            File.Delete(cpr);
        }

        // Killed: one that ends in order removes its sockets, which are the new one's by now.
        using SafeFileHandle? process = Pidfd.Open(old.Pid);
        _ = process is null || Pidfd.Kill(process);
        return await ResumeAsync(loaded, MigrationMode.CprTransfer, times, []);
    }

    /// <summary>One after the other, the state in between in a file: if the new QEMU does not take it, the old program gets it back.</summary>
    private async Task<LiveUpdateReport> ThroughFileAsync(MigrationMode mode, string? program, CancellationToken cancellationToken)
    {
        StateLoad load = Load(mode);
        SaveTimes times;
        try
        {
            times = await SaveAsync(load.Machine.Options, cancellationToken);
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            throw await TakenBackAsync(mode, failed);
        }

        var setbacks = new List<string>();
        await StateLoad.EndAsync(() => old.Qmp.QuitAsync(CommandTimeout, CancellationToken.None), setbacks);
        await StateLoad.EndAsync(() => launcher.EndAsync(CancellationToken.None), setbacks);
        // Until a QEMU has it, the file is all that there is of the machine.
        _keepsState = true;
        LoadedMachine loaded = await load.IntoNewAsync(program, setbacks);
        _keepsState = false;
        return await ResumeAsync(loaded, mode, times, setbacks);
    }

    private StateLoad Load(MigrationMode mode) =>
        new(SavedMachine.Of(old, mode), launcher, stateFile) { StartTimeout = StartTimeout, StateTimeout = StateTimeout };

    private async Task<SaveTimes> SaveAsync(MigrationOptions options, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = StateFile.Create(stateFile);
        using SafeFileHandle? direct = options.Channels > 0 ? StateFile.TryOpenDirect(stateFile, FileAccess.Write) : null;
        return await Migration.SaveAsync(old.Qmp, old.Features, options, file, direct, StateTimeout, cancellationToken);
    }

    /// <summary>From here on the machine is the new QEMU's, whatever happens.</summary>
    private async Task<LiveUpdateReport> ResumeAsync(LoadedMachine machine, MigrationMode mode, SaveTimes times, IReadOnlyList<string> setbacks)
    {
        await using QmpClient qmp = machine.Qmp;
        DateTimeOffset loaded = TimeProvider.System.GetUtcNow();
        try
        {
            // What runs is no longer what the state is.
            File.Delete(stateFile);
            DateTimeOffset? resumed = old.Facts.IsLive ? await Migration.ContinueAsync(qmp, CommandTimeout) : null;
            return new LiveUpdateReport(mode, qmp.Version, times.Stopped, times.Saved, machine.Answered, loaded, resumed, setbacks);
        }
        catch (Exception failed) when (StateLoad.IsExpected(failed))
        {
            throw new MigrationException($"{failed.Message}; the new QEMU ({qmp.Version.Number}) has the machine, was told to let it run, and did not answer that it does", failed);
        }
    }

    /// <summary>The machine goes on in the old QEMU; or it does not, and the words say so.</summary>
    private async Task<MigrationException> TakenBackAsync(MigrationMode mode, Exception failed)
    {
        try
        {
            // What goes on is no longer what the state is; but one that sleeps does not run, and a cpr-exec that cannot be held any
            // more needs its state still.
            bool isAsleep = old.Facts.Status == MachineFacts.Suspended;
            if (mode != MigrationMode.CprExec && !isAsleep)
            {
                File.Delete(stateFile);
            }

            await Migration.GoOnAsync(old.Qmp, old.Features, old.Facts.IsLive, StartTimeout, isAsleep);
            return new MigrationException($"{failed.Message}; the machine goes on in the QEMU that it had", failed);
        }
        catch (AsleepException asleep)
        {
            _keepsState = true;
            return new MigrationException($"{failed.Message}; {asleep.Message}: it has to be started anew, or by hand from its state in {stateFile}", failed);
        }
        catch (QmpTransportException)
        {
            return new MigrationException($"{failed.Message}; its QEMU is gone, and the machine with it: it has to be started anew", failed);
        }
        catch (Exception gone) when (StateLoad.IsExpected(gone))
        {
            return new MigrationException($"{failed.Message}; and it cannot be continued: {gone.Message}", failed);
        }
    }

    private static async Task KillAsync(SafeFileHandle? process)
    {
        using var patience = new CancellationTokenSource(CommandTimeout);
        if (process is not null && Pidfd.Kill(process))
        {
            await Pidfd.WaitAsync(process, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AppearedAsync(string path, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (!File.Exists(path))
        {
            if (Stopwatch.GetElapsedTime(began) > StartTimeout)
            {
                throw new TimeoutException($"the new QEMU did not listen within {StartTimeout.TotalSeconds:0.#} s");
            }

            await Task.Delay(Look, cancellationToken);
        }
    }

    private static JsonObject Channel(string type, string path) => new()
    {
        ["channel-type"] = type,
        ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "unix", ["path"] = path },
    };
}
