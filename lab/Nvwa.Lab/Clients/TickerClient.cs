using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Nvwa.Lab.Clients;

/// <summary>
/// Talks to <c>lab/workloads/ticker.py</c>: a line with a number goes there, and the same number comes back with the ticker's
/// counter of answers on this connection, which must be the client's own, and its tick, which must not go back.
/// </summary>
public sealed class TickerClient : SteadyClient
{
    private long _asked;
    private long _lastTick;

    private TickerClient(Socket socket)
        : base(socket)
    {
    }

    public static async Task<TickerClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new TickerClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken));
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        string number = (++_asked).ToString(CultureInfo.InvariantCulture);
        await Lines.WriteAsync($"{number}\n", cancellationToken);
        string line = await Lines.ReadLineAsync(cancellationToken);
        if (line.Split(' ') is not [string echo, string answers, string tick]
            || echo != number || answers != number
            || !long.TryParse(tick, NumberStyles.None, CultureInfo.InvariantCulture, out long now) || now < _lastTick)
        {
            throw new LabException($"the ticker answered {number} with \"{line}\"; its last tick was {_lastTick}");
        }

        _lastTick = now;
    }
}
