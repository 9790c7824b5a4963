using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>
/// Writes to a Redis and reads back, in the protocol RESP2. Each step is INCR, SET and GET; no acknowledged write may be lost
/// and none may be done twice: the counter goes up by exactly one each time, whatever happened in between.
/// </summary>
public sealed class RedisClient : SteadyClient
{
    public const int DefaultPort = 6379;

    private const int Slots = 64;

    private readonly string _prefix;
    private long _counter;

    private RedisClient(Socket socket, string prefix)
        : base(socket) => _prefix = prefix;

    /// <param name="network">The outside to come from.</param>
    /// <param name="peer">Where the Redis is.</param>
    /// <param name="prefix">For this client's own keys: clients with different prefixes do not meet.</param>
    /// <param name="timeout">For the connection.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    public static async Task<RedisClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, string prefix, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new RedisClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken), prefix);
    }

    /// <summary>One command, while the client is not started.</summary>
    /// <returns>The text of a simple, integer or bulk reply; null for the null reply.</returns>
    /// <exception cref="LabException">Redis answered with an error, or not in RESP2.</exception>
    public async Task<string?> CommandAsync(CancellationToken cancellationToken, params string[] words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var command = new StringBuilder();
        _ = command.Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (string word in words)
        {
            _ = command.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
        }

        await Lines.WriteAsync(command.ToString(), cancellationToken);
        return await ReadReplyAsync(cancellationToken);
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        string next = Text(_counter + 1);
        string slot = $"{_prefix}:slot:{Text(_counter % Slots)}";
        await ExpectAsync(next, cancellationToken, "INCR", $"{_prefix}:counter");
        await ExpectAsync("OK", cancellationToken, "SET", slot, next);
        await ExpectAsync(next, cancellationToken, "GET", slot);
        _counter++;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task ExpectAsync(string expected, CancellationToken cancellationToken, params string[] words)
    {
        string? reply = await CommandAsync(cancellationToken, words);
        if (reply != expected)
        {
            throw new LabException($"{string.Join(' ', words)} was answered with {reply ?? "null"}, not {expected}");
        }
    }

    private async Task<string?> ReadReplyAsync(CancellationToken cancellationToken)
    {
        string line = await Lines.ReadLineAsync(cancellationToken);
        return line switch
        {
            ['+' or ':', .. string text] => text,
            "$-1" => null,
            ['$', ..] => await Lines.ReadLineAsync(cancellationToken),
            ['-', .. string error] => throw new LabException($"Redis: {error}"),
            _ => throw new LabException($"not a reply in RESP2: {line}"),
        };
    }
}
