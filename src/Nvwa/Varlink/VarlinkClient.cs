using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Nvwa.Varlink;

/// <summary>Calls a varlink service on a unix socket.</summary>
internal sealed class VarlinkClient : IDisposable
{
    private readonly VarlinkStream _stream;

    private VarlinkClient(Socket socket) => _stream = new VarlinkStream(socket);

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<VarlinkClient> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new VarlinkClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Calls, and gives each reply as it comes.</summary>
    /// <exception cref="VarlinkException">The service answered with an error.</exception>
    /// <exception cref="VarlinkProtocolException">The service went away before its last reply.</exception>
    public async IAsyncEnumerable<TReply> CallAsync<TParameters, TReply>(
        string method,
        TParameters parameters,
        JsonTypeInfo<TParameters> parametersType,
        JsonTypeInfo<TReply> replyType,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new VarlinkRequest(method, JsonSerializer.SerializeToElement(parameters, parametersType), More: true);
        await _stream.WriteAsync(request, VarlinkJson.Default.VarlinkRequest, cancellation);
        while (true)
        {
            VarlinkReply reply = await _stream.ReadAsync(VarlinkJson.Default.VarlinkReply, cancellation)
                ?? throw new VarlinkProtocolException("the service closed the connection before it had answered");
            JsonElement values = reply.Parameters ?? JsonDocument.Parse("{}").RootElement;
            if (reply.Error is { } error)
            {
                throw new VarlinkException(error, values);
            }

            yield return Read(values, replyType);
            if (reply.Continues != true)
            {
                yield break;
            }
        }
    }

    private static TReply Read<TReply>(JsonElement values, JsonTypeInfo<TReply> type)
    {
        try
        {
            return values.Deserialize(type) ?? throw new VarlinkProtocolException("a reply is null");
        }
        catch (JsonException broken)
        {
            throw new VarlinkProtocolException($"a reply is not what the interface says: {broken.Message}", broken);
        }
    }

    public void Dispose() => _stream.Dispose();
}
