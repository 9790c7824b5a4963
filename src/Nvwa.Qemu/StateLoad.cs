using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>A machine whose QEMU may be gone: what it takes to go on from its state in a file.</summary>
/// <param name="QmpSocket">Its path, the same for all QEMUs of the machine.</param>
/// <param name="CommandLine">Of the QEMU that wrote the state.</param>
/// <param name="Type">Of the machine, with its version.</param>
/// <param name="IsLive">Whether its guest was running or suspended.</param>
/// <param name="Options">How the state is written.</param>
public sealed record SavedMachine(string QmpSocket, QemuCommandLine CommandLine, string Type, bool IsLive, MigrationOptions Options)
{
    /// <summary>Of a machine that is about to be saved.</summary>
    public static SavedMachine Of(QemuInstance qemu, MigrationMode mode)
    {
        ArgumentNullException.ThrowIfNull(qemu);
        MigrationOptions options = mode is MigrationMode.CprExec or MigrationMode.CprTransfer
            ? new MigrationOptions(mode)
            : MigrationOptions.ForFile(mode, qemu.Features, qemu.Facts.Ram, stays: _ => true);
        return new SavedMachine(qemu.Qmp.SocketPath, qemu.CommandLine, qemu.Facts.Type, qemu.Facts.IsLive, options);
    }
}

/// <summary>The state is loaded, and nothing runs yet.</summary>
/// <param name="Qmp">To the QEMU that has the machine.</param>
/// <param name="Answered">When that spoke first.</param>
public sealed record LoadedMachine(QmpClient Qmp, DateTimeOffset Answered);

/// <summary>No QEMU took the machine: its state stays where it is.</summary>
public sealed class StateLeftException(string message) : MigrationException(message);

/// <summary>The second half of a <see cref="LiveUpdate"/>, which also whoever finds it unfinished can do.</summary>
/// <param name="machine">Its old QEMU has ended, or has become the new one.</param>
/// <param name="launcher">Starts QEMUs for it.</param>
/// <param name="stateFile">What was saved.</param>
public sealed class StateLoad(SavedMachine machine, IQemuLauncher launcher, string stateFile)
{
    public SavedMachine Machine => machine;

    /// <inheritdoc cref="LiveUpdate.StateTimeout"/>
    public TimeSpan StateTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <inheritdoc cref="LiveUpdate.StartTimeout"/>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>If the new program does not take the machine, the old one gets it back.</summary>
    /// <param name="program">The new one; null for the old one.</param>
    /// <param name="setbacks">Gets what went wrong on the way.</param>
    /// <exception cref="StateLeftException">Neither did.</exception>
    public async Task<LoadedMachine> IntoNewAsync(string? program, IList<string> setbacks)
    {
        ArgumentNullException.ThrowIfNull(setbacks);
        foreach (string? candidate in program is null ? (string?[])[null] : [program, null])
        {
            try
            {
                await launcher.StartAsync(Machine.CommandLine.ForIncoming(candidate, Machine.Type, Migration.IncomingArguments), CancellationToken.None);
                return await FromFileAsync(launcher.EndedAsync);
            }
            catch (Exception failed) when (IsExpected(failed))
            {
                setbacks.Add($"{candidate ?? Machine.CommandLine.Program}: {failed.Message}");
                await EndAsync(() => launcher.EndAsync(CancellationToken.None), setbacks);
            }
        }

        throw new StateLeftException($"no QEMU took the machine over ({string.Join("; ", setbacks)}); it has to be started anew, or by hand from its state in {stateFile}");
    }

    /// <summary>The state is in a new QEMU, where nothing runs yet.</summary>
    /// <param name="ended">Waits for the end of that QEMU.</param>
    public async Task<LoadedMachine> FromFileAsync(Func<CancellationToken, Task> ended)
    {
        QmpClient qmp = await ConnectAsync(ended, CancellationToken.None);
        try
        {
            DateTimeOffset answered = TimeProvider.System.GetUtcNow();
            await LoadAsync(qmp);
            return new LoadedMachine(qmp, answered);
        }
        catch
        {
            // It has half a machine, and takes no second try.
            using SafeFileHandle? process = Pidfd.Open(qmp.PeerPid);
            _ = process is null || Pidfd.Kill(process);
            await qmp.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads the state into a QEMU that waits for it.</summary>
    /// <inheritdoc cref="Migration.LoadAsync"/>
    public async Task LoadAsync(QmpClient qmp)
    {
        QemuFeatures features = await QemuFeatures.ReadAsync(qmp);
        using SafeFileHandle file = PrivateFile.OpenRead(stateFile);
        using SafeFileHandle? direct = Machine.Options.Channels > 0 ? StateFile.TryOpenDirect(stateFile, FileAccess.Read) : null;
        await Migration.LoadAsync(qmp, features, Machine.Options, file, direct, StateTimeout);
    }

    /// <summary>As <see cref="FromFileAsync"/>, of a state that comes over a socket.</summary>
    public async Task<LoadedMachine> FromSocketAsync(DateTimeOffset sent, CancellationToken cancellationToken)
    {
        QmpClient qmp = await ConnectAsync(launcher.EndedAsync, cancellationToken);
        try
        {
            await Migration.LoadedAsync(qmp, StartTimeout, cancellationToken);
            return new LoadedMachine(qmp, sent);
        }
        catch
        {
            await qmp.DisposeAsync();
            throw;
        }
    }

    /// <summary>A QEMU that does not end in order is no reason not to start the next one.</summary>
    internal static async Task EndAsync(Func<Task> end, IList<string> setbacks)
    {
        try
        {
            await end();
        }
        catch (Exception failed) when (IsExpected(failed))
        {
            setbacks.Add(failed.Message);
        }
    }

    private async Task<QmpClient> ConnectAsync(Func<CancellationToken, Task> ended, CancellationToken cancellationToken)
    {
        QmpClient? qmp = null;
        await WhileItRunsAsync(
            async token => qmp = await QmpClient.ConnectAsync(Machine.QmpSocket, StartTimeout, cancellationToken: token), ended, cancellationToken);
        return qmp!;
    }

    /// <summary>Waits for something of a new QEMU, and not beyond its end.</summary>
    /// <param name="wait">For what.</param>
    /// <param name="ended">Waits for its end.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="MigrationException">It ended.</exception>
    public static async Task WhileItRunsAsync(Func<CancellationToken, Task> wait, Func<CancellationToken, Task> ended, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task waiting = wait(stop.Token);
        Task end = ended(stop.Token);
        Task first = await Task.WhenAny(waiting, end);
        await stop.CancelAsync();
        await Task.WhenAll(waiting, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
        if (first == end)
        {
            throw new MigrationException("it ended at once; its own output says why");
        }
    }

    internal static bool IsExpected(Exception failed) =>
        failed is MigrationException or QmpException or QmpTransportException or TimeoutException or LinuxException or SystemdException
            or IOException or InvalidDataException or UnauthorizedAccessException or OperationCanceledException;
}
