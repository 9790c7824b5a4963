using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Nvwa.Lab.Clients;

/// <summary>Fetches one document again and again over one connection that is kept alive; it must not change.</summary>
public sealed class NginxClient : SteadyClient
{
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
        long length = await HttpAnswer.BeginAsync(Lines, _path, cancellationToken);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        const int Piece = 16 << 10;
        for (long rest = length; rest > 0; rest -= Piece)
        {
            digest.AppendData((await Lines.ReadBytesAsync((int)Math.Min(Piece, rest), cancellationToken)).Span);
        }

        string found = Convert.ToHexString(digest.GetHashAndReset());
        _first ??= found;
        if (found != _first)
        {
            throw new LabException($"GET {_path}: {length} bytes with digest {found}, which was {_first}");
        }
    }
}
