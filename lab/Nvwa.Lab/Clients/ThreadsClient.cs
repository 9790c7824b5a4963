using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>
/// Asks the threads of <c>lab/workloads/threads.py</c> in turn, a hundred at a time: each must have the TID that it had, and
/// have counted its own questions.
/// </summary>
public sealed class ThreadsClient : SteadyClient
{
    private const int AtOnce = 100;

    private readonly string?[] _tids;
    private int _asked;

    private ThreadsClient(Socket socket, int threads)
        : base(socket) => _tids = new string?[threads];

    /// <param name="network">The outside to come from.</param>
    /// <param name="peer">A server that nobody has asked before.</param>
    /// <param name="threads">How many answer.</param>
    /// <param name="timeout">For the connection.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    public static async Task<ThreadsClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, int threads, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new ThreadsClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken), threads);
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        int[] questions = [.. Enumerable.Range(_asked, AtOnce)];
        _asked += AtOnce;
        var lines = new StringBuilder();
        foreach (int question in questions)
        {
            _ = lines.Append(CultureInfo.InvariantCulture, $"{question % _tids.Length}\n");
        }

        await Lines.WriteAsync(lines.ToString(), cancellationToken);
        foreach (int question in questions)
        {
            Check(question, await Lines.ReadLineAsync(cancellationToken));
        }
    }

    private void Check(int question, string answer)
    {
        (int round, int number) = Math.DivRem(question, _tids.Length);
        _tids[number] ??= answer.Split(' ').ElementAtOrDefault(1);
        string expected = string.Create(CultureInfo.InvariantCulture, $"{number} {_tids[number]} {round + 1}");
        if (answer != expected)
        {
            throw new LabException($"thread {number} answered {answer}, not {expected}");
        }
    }
}
