using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Nvwa.Tests.Cli;

/// <summary>A daemon that says what a test wants it to say, in real bytes on a real socket.</summary>
internal sealed class ScriptedDaemon : IDisposable
{
    private readonly string _path;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public ScriptedDaemon(string path)
    {
        _path = path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
    }

    public async Task<Connection> AcceptAsync() => new(await _listener.AcceptAsync().Soonest());

    /// <summary>The daemon is gone, and its socket with it.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    internal sealed class Connection(Socket socket) : IDisposable
    {
        private readonly byte[] _buffer = new byte[64 * 1024];

        /// <summary>One request; null when the client has closed.</summary>
        public async Task<JsonElement?> ReadAsync()
        {
            int filled = 0;
            while (filled == 0 || _buffer[filled - 1] != 0)
            {
                int count = await socket.ReceiveAsync(_buffer.AsMemory(filled)).AsTask().Soonest();
                if (count == 0)
                {
                    return null;
                }

                filled += count;
            }

            return JsonDocument.Parse(_buffer.AsMemory(0, filled - 1).ToArray()).RootElement;
        }

        public async Task SayAsync(string json) => await socket.SendAsync((byte[])[.. Encoding.UTF8.GetBytes(json), 0]).Soonest();

        public void Dispose() => socket.Dispose();
    }
}
