using System.Net.Sockets;

namespace Nvwa.Qemu.Tests;

/// <summary>Plays QEMU, or the agent behind QEMU's port: real bytes over a real unix socket, one script for each connection.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private static readonly TimeSpan ScriptDeadline = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _end = new(ScriptDeadline);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-qemu-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Task _playing;

    private ScriptedPeer(Func<PeerConnection, Task>[] scripts)
    {
        SocketPath = Path.Combine(_directory.FullName, "socket");
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen();
        _playing = PlayAsync(scripts);
    }

    public string SocketPath { get; }

    public static ScriptedPeer Play(params Func<PeerConnection, Task>[] scripts) => new(scripts);

    /// <summary>Ends when all scripts were played to their end; throws what a script threw.</summary>
    public Task PlayedAsync() => _playing.WaitAsync(ScriptDeadline);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _end.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task PlayAsync(Func<PeerConnection, Task>[] scripts)
    {
        foreach (Func<PeerConnection, Task> script in scripts)
        {
            Socket socket = await _listener.AcceptAsync(_end.Token);
            using var connection = new PeerConnection(socket, _end.Token);
            await script(connection);
        }
    }
}
