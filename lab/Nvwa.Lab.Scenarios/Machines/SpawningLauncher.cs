using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>Starts QEMUs as children of the test, where nvwa would ask systemd.</summary>
internal sealed class SpawningLauncher(Task firstEnded) : IQemuLauncher, IDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(30);

    private readonly List<ChildProcess> _children = [];

    /// <summary>Programs in the order in which they were started.</summary>
    public List<string> Started { get; } = [];

    public Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken)
    {
        Started.Add(commandLine.Program);
        _children.Add(Spawn.Start(new SpawnRequest(commandLine.Program, [.. commandLine.Arguments.Skip(1)])));
        return Task.CompletedTask;
    }

    public Task EndedAsync(CancellationToken cancellationToken) =>
        _children is [.., var last] ? last.WaitAsync(cancellationToken) : firstEnded.WaitAsync(cancellationToken);

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_children is [.., var last])
        {
            _ = last.Kill(9);
            _ = await last.WaitAsync(cancellationToken);
            return;
        }

        await firstEnded.WaitAsync(EndTimeout, cancellationToken);
    }

    public void Dispose() => _children.ForEach(child => child.Dispose());
}
