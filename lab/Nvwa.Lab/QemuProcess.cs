using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab;

/// <summary>One life of a guest's QEMU, with its QMP conversation where the lab has one.</summary>
internal sealed class QemuProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan QuitTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _child;
    private readonly string _log;
    private QmpClient? _qmp;

    private QemuProcess(ChildProcess child, string log)
    {
        _child = child;
        _log = log;
        Ended = child.WaitAsync(CancellationToken.None);
    }

    public int Pid => _child.Pid;

    public QmpClient Qmp => _qmp ?? throw new InvalidOperationException("QEMU has not begun to speak");

    /// <summary>QEMU's exit code, when it has ended.</summary>
    public Task<int> Ended { get; }

    /// <summary>Returns when QEMU answers.</summary>
    public static async Task<QemuProcess> StartAsync(
        LabNetwork network, string program, IReadOnlyList<string> arguments, GuestDirectory directory,
        CancellationToken cancellationToken)
    {
        ChildProcess child = await SpawnAsync(network.StartAsync, program, arguments, directory.QemuLog);
        var qemu = new QemuProcess(child, directory.QemuLog);
        try
        {
            await qemu.GreetAsync(directory.QmpSocket, cancellationToken);
            return qemu;
        }
        catch
        {
            await qemu.DisposeAsync();
            throw;
        }
    }

    /// <summary>On this network or else the host's, and leaving the conversation to others: a monitor has one client at a time.</summary>
    public static async Task<QemuProcess> StartSilentAsync(
        LabNetwork? network, string program, IReadOnlyList<string> arguments, string log) =>
        new(await SpawnAsync(request => network?.StartAsync(request) ?? Task.FromResult(Spawn.Start(request)), program, arguments, log), log);

    /// <summary>Waits for something of the guest, and not beyond QEMU's death.</summary>
    public async Task<T> WhileAliveAsync<T>(Func<CancellationToken, Task<T>> wait, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<T> waiting = wait(stop.Token);
        if (await Task.WhenAny(waiting, Ended) == waiting)
        {
            return await waiting;
        }

        await stop.CancelAsync();
        await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return waiting.IsCompletedSuccessfully
            ? await waiting
            : throw new LabException($"QEMU ended with {await Ended}: {await LastWordsAsync()}");
    }

    /// <summary>As if the power went: nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _ = _child.Kill();
        _ = await Ended.WaitAsync(KillTimeout);
    }

    /// <summary>Asks QEMU to end, and kills it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_qmp is not null)
        {
            await QuitAsync(_qmp);
            await _qmp.DisposeAsync();
        }

        await KillAsync();
        _child.Dispose();
    }

    private static async Task<ChildProcess> SpawnAsync(
        Func<SpawnRequest, Task<ChildProcess>> start, string program, IReadOnlyList<string> arguments, string logPath)
    {
        using SafeFileHandle log = File.OpenHandle(logPath, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        var request = new SpawnRequest(program, arguments)
        {
            Inherit = [new InheritedDescriptor(log, 1), new InheritedDescriptor(log, 2)],
            // A terminal's interrupt is for the lab, which then ends its guests in order.
            Family = SpawnFamily.OwnSession,
        };
        return await start(request);
    }

    private async Task GreetAsync(string socketPath, CancellationToken cancellationToken) =>
        _qmp = await WhileAliveAsync(
            token => QmpClient.ConnectAsync(socketPath, StartTimeout, cancellationToken: token), cancellationToken);

    private async Task QuitAsync(QmpClient qmp)
    {
        try
        {
            await qmp.QuitAsync(QuitTimeout);
            _ = await Ended.WaitAsync(QuitTimeout);
        }
        catch (Exception e) when (e is TimeoutException or QmpException)
        {
            // It is killed next.
        }
    }

    private async Task<string> LastWordsAsync()
    {
        string[] lines = await File.ReadAllLinesAsync(_log);
        return lines.Length == 0 ? "it said nothing" : string.Join("; ", lines.TakeLast(5));
    }
}
