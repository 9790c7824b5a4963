using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>
/// Talks to a server as <c>lab/workloads/ledger.py</c> is one, and is its twin: it keeps the same books, which no update
/// touches, and each answer must be what stands there.
/// </summary>
public sealed class LedgerClient : SteadyClient
{
    private const int Keys = 1000;
    private const int ValueBytes = 100;

    private readonly Dictionary<string, string> _values = [];
    private long _count;
    private string _digest = "";

    private LedgerClient(Socket socket)
        : base(socket)
    {
    }

    /// <param name="network">The outside to come from.</param>
    /// <param name="peer">A server that nobody has asked before.</param>
    /// <param name="timeout">For the connection.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    public static async Task<LedgerClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new LedgerClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken));
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        string key = Key(RandomNumberGenerator.GetInt32(Keys));
        string value = RandomNumberGenerator.GetHexString(ValueBytes, lowercase: true);
        _values[key] = value;
        _count++;
        _digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{_digest}{key} {value}")));
        await ExpectAsync(string.Create(CultureInfo.InvariantCulture, $"{_count} {_digest}"), $"put {key} {value}", cancellationToken);

        string other = _values.Keys.ElementAt(RandomNumberGenerator.GetInt32(_values.Count));
        await ExpectAsync(_values[other], $"get {other}", cancellationToken);
    }

    private static string Key(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task ExpectAsync(string expected, string question, CancellationToken cancellationToken)
    {
        await Lines.WriteAsync($"{question}\n", cancellationToken);
        string answer = await Lines.ReadLineAsync(cancellationToken);
        if (answer != expected)
        {
            throw new LabException($"{question} was answered with {answer}, not {expected}");
        }
    }
}
