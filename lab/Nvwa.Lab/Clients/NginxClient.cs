using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Nvwa.Lab.Clients;

/// <summary>Fetches one document again and again over one connection that is kept alive; it must not change.</summary>
public sealed class NginxClient : SteadyClient
{
    private const string Length = "Content-Length: ";

    private readonly string _path;
    private string? _first;

    private NginxClient(Socket socket, string path)
        : base(socket) => _path = path;

    public static async Task<NginxClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, string path, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new NginxClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken), path);
    }

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        await Lines.WriteAsync($"GET {_path} HTTP/1.1\r\nHost: guest\r\n\r\n", cancellationToken);
        string status = await Lines.ReadLineAsync(cancellationToken);
        if (status != "HTTP/1.1 200 OK")
        {
            throw new LabException($"GET {_path} was answered with {status}");
        }

        int length = 0;
        while (await Lines.ReadLineAsync(cancellationToken) is { Length: > 0 } header)
        {
            length = header.StartsWith(Length, StringComparison.OrdinalIgnoreCase)
                ? int.Parse(header.AsSpan(Length.Length), NumberStyles.None, CultureInfo.InvariantCulture)
                : length;
        }

        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        const int Piece = 16 << 10;
        for (int rest = length; rest > 0; rest -= Piece)
        {
            digest.AppendData((await Lines.ReadBytesAsync(Math.Min(Piece, rest), cancellationToken)).Span);
        }

        string found = Convert.ToHexString(digest.GetHashAndReset());
        _first ??= found;
        if (found != _first || length == 0)
        {
            throw new LabException($"GET {_path}: {length} bytes with digest {found}, which was {_first}");
        }
    }
}
