using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Nvwa.Tests.Varlink;

/// <summary>A varlink client, or whatever else connects, made of bytes.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<byte> _received = [];

    public static async Task<RawClient> ConnectAsync(string path)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).Soonest();
        return client;
    }

    public Task SendAsync(string json) => SendAsync([.. Encoding.UTF8.GetBytes(json), 0]);

    public async Task SendAsync(byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
        {
            sent += await _socket.SendAsync(bytes.AsMemory(sent)).AsTask().Soonest();
        }
    }

    /// <returns>Null when the other end has closed.</returns>
    public async Task<JsonElement?> ReceiveAsync()
    {
        int end;
        while ((end = _received.IndexOf(0)) < 0)
        {
            byte[] chunk = new byte[64 * 1024];
            int count = await ReceiveAsync(chunk);
            if (count == 0)
            {
                return _received.Count == 0 ? null : throw new InvalidDataException("the server closed within a message");
            }

            _received.AddRange(chunk.AsSpan(0, count));
        }

        JsonElement message = JsonDocument.Parse(_received.GetRange(0, end).ToArray()).RootElement;
        _received.RemoveRange(0, end + 1);
        return message;
    }

    private async Task<int> ReceiveAsync(byte[] chunk)
    {
        try
        {
            return await _socket.ReceiveAsync(chunk.AsMemory()).AsTask().Soonest();
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            // The other end closed without having read all that was sent.
            return 0;
        }
    }

    public async Task<string> AskAsync(string json)
    {
        await SendAsync(json);
        return (await ReceiveAsync())?.GetRawText() ?? "closed";
    }

    public void Dispose() => _socket.Dispose();
}
