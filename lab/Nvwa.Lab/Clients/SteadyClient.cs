using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Nvwa.Lab.Clients;

/// <summary>
/// A client of the outside, on one connection that it never opens again. Once started it asks, waits for the answer however
/// long that takes, checks it, and asks again; each kind of client knows what a right answer is.
/// </summary>
public abstract class SteadyClient : IAsyncDisposable
{
    private static readonly TimeSpan DefaultPause = TimeSpan.FromMilliseconds(20);

    private readonly Socket _socket;
    private readonly CancellationTokenSource _abort = new();
    private readonly List<TimeSpan> _replyTimes = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private Task<string?> _running = Task.FromResult<string?>(null);
    private volatile bool _stopping;

    private protected SteadyClient(Socket socket)
    {
        _socket = socket;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        Lines = new LineStream(socket);
    }

    /// <summary>Its own end of the connection.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Right answers so far; it can be watched while the client runs.</summary>
    public long Replies
    {
        get
        {
            lock (_replyTimes)
            {
                return _replyTimes.Count;
            }
        }
    }

    private protected LineStream Lines { get; }

    /// <summary>Begins to ask.</summary>
    public void Start(TimeSpan? pause = null) => _running = RunAsync(pause ?? DefaultPause);

    /// <summary>Waits until this many more right answers have come.</summary>
    /// <exception cref="LabException">They did not in time, or the client has stopped at a violation.</exception>
    public async Task WaitForRepliesAsync(int count, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long wanted = Replies + count;
        long begun = Stopwatch.GetTimestamp();
        while (Replies < wanted)
        {
            if (_running.IsCompleted)
            {
                throw new LabException(await _running ?? "the client is not running");
            }

            if (Stopwatch.GetElapsedTime(begun) > timeout)
            {
                throw new LabException($"only {count - (wanted - Replies)} of {count} answers in {timeout.TotalSeconds:0.#} s");
            }

            await Task.Delay(DefaultPause, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Lets the question under way be answered, and tells all that was seen. An answer that does not come is a violation.</summary>
    public async Task<SteadyReport> StopAsync(TimeSpan patience, CancellationToken cancellationToken = default)
    {
        _stopping = true;
        string? violation;
        try
        {
            violation = await _running.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            await _abort.CancelAsync();
            violation = await _running;
        }

        return SteadyReport.From([.. _replyTimes], violation);
    }

    public async ValueTask DisposeAsync()
    {
        await _abort.CancelAsync();
        _ = await _running;
        _socket.Dispose();
        _abort.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>One question, its answer, and the check of it.</summary>
    /// <exception cref="LabException">The answer is wrong.</exception>
    private protected abstract Task AskAsync(CancellationToken cancellationToken);

    private async Task<string?> RunAsync(TimeSpan pause)
    {
        try
        {
            while (!_stopping)
            {
                await AskAsync(_abort.Token);
                AddReply(Stopwatch.GetElapsedTime(_start));
                await Task.Delay(pause, TimeProvider.System, _abort.Token);
            }

            return null;
        }
        catch (Exception e) when (e is SocketException or LabException)
        {
            return e.Message;
        }
        catch (OperationCanceledException)
        {
            TimeSpan last = _replyTimes.LastOrDefault();
            return $"no answer since {last.TotalSeconds:0.0} s, {(Stopwatch.GetElapsedTime(_start) - last).TotalSeconds:0.0} s ago";
        }
    }

    private void AddReply(TimeSpan time)
    {
        lock (_replyTimes)
        {
            _replyTimes.Add(time);
        }
    }
}
