using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Nvwa.Qemu;

/// <summary>
/// The events from the moment of <see cref="QmpClient.Subscribe"/> on, in QEMU's order, each seen once. Subscribe before the
/// command whose events are wanted: then none can be missed.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "A sequence of QMP events, not a delegate.")]
public sealed class QmpEvents : IDisposable
{
    // Far more than a migration produces; a subscriber that falls so far behind has stopped reading.
    private const int Capacity = 4096;

    private readonly Channel<QmpEvent> _channel = Channel.CreateBounded<QmpEvent>(Capacity);
    private readonly string _socketPath;
    private readonly TimeProvider _clock;
    private readonly Action<QmpEvents> _unsubscribe;

    internal QmpEvents(string socketPath, TimeProvider clock, Action<QmpEvents> unsubscribe)
    {
        _socketPath = socketPath;
        _clock = clock;
        _unsubscribe = unsubscribe;
    }

    /// <summary>All events until the conversation ends, which throws its <see cref="QmpTransportException"/>.</summary>
    public IAsyncEnumerable<QmpEvent> ReadAllAsync(CancellationToken cancellationToken = default) =>
        _channel.Reader.ReadAllAsync(cancellationToken);

    /// <summary>The next event of this name; those before it are passed over.</summary>
    public Task<QmpEvent> WaitForAsync(string name, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitForAsync(name, static _ => true, timeout, cancellationToken);

    /// <exception cref="TimeoutException">No such event came in time.</exception>
    /// <exception cref="QmpTransportException">The conversation ended first.</exception>
    public async Task<QmpEvent> WaitForAsync(
        string name, Func<QmpEvent, bool> wanted, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using var deadline = new Deadline(_clock, timeout, cancellationToken);
        try
        {
            await foreach (QmpEvent candidate in _channel.Reader.ReadAllAsync(deadline.Token))
            {
                if (candidate.Name == name && wanted(candidate))
                {
                    return candidate;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            throw new TimeoutException($"{_socketPath}: no {name} event within {timeout.TotalSeconds:0.#} s");
        }

        throw new ObjectDisposedException(nameof(QmpEvents));
    }

    public void Dispose()
    {
        _unsubscribe(this);
        _ = _channel.Writer.TryComplete();
    }

    internal void Publish(QmpEvent received)
    {
        if (!_channel.Writer.TryWrite(received))
        {
            End(new QmpTransportException(_socketPath, $"more than {Capacity} events were not read"));
        }
    }

    internal void End(QmpTransportException reason) => _ = _channel.Writer.TryComplete(reason);
}
