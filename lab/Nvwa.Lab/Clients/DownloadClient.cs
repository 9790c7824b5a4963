using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Nvwa.Lab.Clients;

/// <summary>One large document over HTTP, read slowly, so that the server is in the middle of it for as long as a test takes.</summary>
public sealed class DownloadClient : SteadyClient
{
    private const int Piece = 4 << 10;

    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _rest;

    private DownloadClient(Socket socket)
        : base(socket)
    {
    }

    /// <param name="network">The outside to come from.</param>
    /// <param name="peer">Where the server is.</param>
    /// <param name="path">A document of many megabytes: 4 KiB are taken at each step.</param>
    /// <param name="timeout">For the connection.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    public static async Task<DownloadClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, string path, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        var client = new DownloadClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken));
        client._rest = await HttpAnswer.BeginAsync(client.Lines, path, cancellationToken);
        return client;
    }

    /// <summary>Reads the rest as fast as it comes, when the client is stopped.</summary>
    /// <returns>The SHA-256 of the whole document, as sha256sum(1) writes it.</returns>
    public async Task<string> FinishAsync(CancellationToken cancellationToken = default)
    {
        while (_rest > 0)
        {
            await TakeAsync(cancellationToken);
        }

        return Convert.ToHexStringLower(_digest.GetHashAndReset());
    }

    private protected override Task AskAsync(CancellationToken cancellationToken) =>
        _rest > Piece ? TakeAsync(cancellationToken) : throw new LabException("the download came to its end before it was to");

    private async Task TakeAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> piece = await Lines.ReadBytesAsync((int)Math.Min(Piece, _rest), cancellationToken);
        _digest.AppendData(piece.Span);
        _rest -= piece.Length;
    }
}
