using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>Starts QEMUs as children of the test, where nvwa would ask systemd.</summary>
/// <param name="firstEnded">When the QEMU has ended that this did not start.</param>
/// <param name="network">Where they run; null: the host's own.</param>
internal sealed class SpawningLauncher(Task firstEnded, LabNetwork? network) : IQemuLauncher, IDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(30);

    private readonly List<ChildProcess> _children = [];

    /// <summary>Programs in the order in which they were started.</summary>
    public List<string> Started { get; } = [];

    public async Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken)
    {
        Started.Add(commandLine.Program);
        var request = new SpawnRequest(commandLine.Program, [.. commandLine.Arguments.Skip(1)]);
        _children.Add(network is null ? Spawn.Start(request) : await network.StartAsync(request));
    }

    public Task EndedAsync(CancellationToken cancellationToken) =>
        _children is [.., var last] ? last.WaitAsync(cancellationToken) : firstEnded.WaitAsync(cancellationToken);

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_children is [.., var last])
        {
            _ = last.Kill();
            _ = await last.WaitAsync(cancellationToken);
            return;
        }

        await firstEnded.WaitAsync(EndTimeout, cancellationToken);
    }

    public void Dispose() => _children.ForEach(child => child.Dispose());
}
