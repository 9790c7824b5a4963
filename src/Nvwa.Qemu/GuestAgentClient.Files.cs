using System.Text.Json;
using System.Text.Json.Nodes;

namespace Nvwa.Qemu;

public sealed partial class GuestAgentClient
{
    // Under software emulation the agent takes about half a megabyte a second: a piece must fit well into the timeout.
    private const int PieceBytes = 256 << 10;

    /// <returns>The agent's handle; it stays open until closed or until the agent ends.</returns>
    public async Task<long> OpenFileAsync(string path, GuestFileMode mode, CancellationToken cancellationToken = default)
    {
        string fopenMode = mode switch
        {
            GuestFileMode.Read => "rb",
            GuestFileMode.Write => "wb",
            GuestFileMode.Append => "ab",
            GuestFileMode.None or _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "not a way to open"),
        };
        JsonElement handle = await ExecuteAsync(
            "guest-file-open", new JsonObject { ["path"] = path, ["mode"] = fopenMode }, cancellationToken: cancellationToken);
        return handle.ValueKind == JsonValueKind.Number && handle.TryGetInt64(out long number)
            ? number
            : throw new QmpTransportException(socketPath, "the reply to guest-file-open is not a handle");
    }

    /// <returns>At most <paramref name="count"/> bytes; none at the end of the file.</returns>
    public async Task<byte[]> ReadFileAsync(long handle, int count, CancellationToken cancellationToken = default)
    {
        GuestFileReadReply reply = await ExecuteAsync(
            "guest-file-read", QmpJson.Default.GuestFileReadReply, new JsonObject { ["handle"] = handle, ["count"] = count },
            timeout: null, cancellationToken);
        return Bytes(reply.BufB64);
    }

    /// <summary>Writes all of the bytes, which must not be many: one command carries them.</summary>
    public async Task WriteFileAsync(long handle, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        var arguments = new JsonObject { ["handle"] = handle, ["buf-b64"] = Convert.ToBase64String(bytes.Span) };
        GuestFileWriteReply reply = await ExecuteAsync(
            "guest-file-write", QmpJson.Default.GuestFileWriteReply, arguments, timeout: null, cancellationToken);
        if (reply.Count != bytes.Length)
        {
            throw new QmpException("guest-file-write", "GenericError", $"took {reply.Count} of {bytes.Length} bytes");
        }
    }

    public async Task CloseFileAsync(long handle, CancellationToken cancellationToken = default) =>
        _ = await ExecuteAsync(
            "guest-file-close", new JsonObject { ["handle"] = handle }, cancellationToken: cancellationToken);

    /// <summary>Copies a stream into a file of the guest.</summary>
    public async Task UploadAsync(Stream source, string path, CancellationToken cancellationToken = default)
    {
        long handle = await OpenFileAsync(path, GuestFileMode.Write, cancellationToken);
        byte[] piece = new byte[PieceBytes];
        while (await source.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken) is > 0 and int read)
        {
            await WriteFileAsync(handle, piece.AsMemory(0, read), cancellationToken);
        }

        await CloseFileAsync(handle, cancellationToken);
    }

    /// <summary>Copies a file of the guest into a stream.</summary>
    public async Task DownloadAsync(string path, Stream target, CancellationToken cancellationToken = default)
    {
        long handle = await OpenFileAsync(path, GuestFileMode.Read, cancellationToken);
        while (await ReadFileAsync(handle, PieceBytes, cancellationToken) is { Length: > 0 } piece)
        {
            await target.WriteAsync(piece, cancellationToken);
        }

        await CloseFileAsync(handle, cancellationToken);
    }
}
