using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Nvwa.Linux;
using Nvwa.Varlink;

namespace Nvwa.Tests.Varlink;

/// <summary>A varlink server on a socket of its own, with methods that do what a test needs.</summary>
internal sealed class Served : IAsyncDisposable
{
    public const string Description = "interface io.test\n\nmethod Echo() -> ()\nerror Failed (message: string)\n";

    private readonly TemporaryDirectory _directory = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Task _running;

    public Served(TimeProvider? time = null)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        var offered = new VarlinkInterface("io.test", Description, new Dictionary<string, VarlinkMethod>
        {
            ["Echo"] = (call, _) => Task.FromResult(call.Request.Parameters ?? Empty),
            ["Caller"] = (call, _) => Task.FromResult(JsonSerializer.SerializeToElement(call.CallerPid)),
            ["Query"] = (call, _) => Task.FromResult(JsonSerializer.SerializeToElement(call.Parameters(VarlinkJson.Default.InterfaceQuery).Interface)),
            ["Refuse"] = (_, _) => throw new VarlinkException("io.test.No", Empty),
            ["Break"] = (_, _) => throw new InvalidOperationException("a bug"),
            ["Work"] = WorkAsync,
        });
        var info = new ServiceInfo("v", "p", "1", "u", ["org.varlink.service", "io.test"]);
        _running = new VarlinkServer(
            _listener, info, offered, socket => Credentials.OfPeer(socket.SafeHandle).Pid, Log.Enqueue, time).RunAsync(_stop.Token);
    }

    public string Path => _directory["s"];

    public ConcurrentQueue<string> Log { get; } = [];

    /// <summary>Set when Work has sent its first reply.</summary>
    public TaskCompletionSource Working { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets Work go on.</summary>
    public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Set when Work has done all it had to do.</summary>
    public TaskCompletionSource Worked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static JsonElement Empty => JsonDocument.Parse("{}").RootElement;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running.Soonest());
        _listener.Dispose();
        _stop.Dispose();
        _directory.Dispose();
    }

    private async Task<JsonElement> WorkAsync(VarlinkCall call, CancellationToken cancellation)
    {
        await call.Replies(JsonSerializer.SerializeToElement(new { step = 1 }));
        Working.TrySetResult();
        await GoOn.Task.WaitAsync(cancellation);
        await call.Replies(JsonSerializer.SerializeToElement(new { step = 2 }));
        await call.Replies(JsonSerializer.SerializeToElement(new { step = 3 }));
        Worked.TrySetResult();
        return JsonSerializer.SerializeToElement(new { step = 4 });
    }
}
