using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Nvwa.Lab.Clients;

/// <summary>Counts in a memcached, in its text protocol: each answer is one more than the last.</summary>
public sealed class MemcachedClient : SteadyClient
{
    private readonly string _key;
    private long _counter;

    private MemcachedClient(Socket socket, string key)
        : base(socket) => _key = key;

    /// <param name="network">The outside to come from.</param>
    /// <param name="peer">Where the memcached is, or what leads to it.</param>
    /// <param name="key">This client's own.</param>
    /// <param name="timeout">For the connection.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    public static async Task<MemcachedClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        var client = new MemcachedClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken), key);
        await client.ExpectAsync("STORED", $"set {key} 0 0 1\r\n0\r\n", cancellationToken);
        return client;
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        string next = (++_counter).ToString(CultureInfo.InvariantCulture);
        await ExpectAsync(next, $"incr {_key} 1\r\n", cancellationToken);
    }

    private async Task ExpectAsync(string expected, string command, CancellationToken cancellationToken)
    {
        await Lines.WriteAsync(command, cancellationToken);
        string answer = await Lines.ReadLineAsync(cancellationToken);
        if (answer != expected)
        {
            throw new LabException($"memcached answered {command.Trim()} with {answer}, not {expected}");
        }
    }
}
