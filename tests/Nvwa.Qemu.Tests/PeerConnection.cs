using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Nvwa.Qemu.Tests;

internal sealed class PeerConnection(Socket socket, CancellationToken end) : IDisposable
{
    public const string Greeting =
        """{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": " (Debian)"}, "capabilities": ["oob"]}}""";

    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public Task SendAsync(string line) => SendBytesAsync(Encoding.UTF8.GetBytes(line + "\r\n"));

    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes, end);

    /// <summary>Reads one line byte for byte, 0xFF included.</summary>
    public async Task<byte[]> ReadLineAsync()
    {
        var line = new List<byte>();
        byte[] one = new byte[1];
        while (true)
        {
            await _stream.ReadExactlyAsync(one, end);
            if (one[0] == '\n')
            {
                return [.. line];
            }

            line.Add(one[0]);
        }
    }

    /// <summary>Reads a command and asserts which one it is.</summary>
    public async Task<JsonElement> ExpectAsync(string command)
    {
        JsonElement message = Parse(await ReadLineAsync());
        Assert.Equal(command, message.GetProperty("execute").GetString());
        return message;
    }

    public Task AnswerAsync(JsonElement command, string value) =>
        SendAsync($$"""{"return": {{value}}, "id": {{command.GetProperty("id")}}}""");

    /// <summary>Greets and agrees on capabilities, as every QMP conversation begins.</summary>
    public async Task GreetAsync()
    {
        await SendAsync(Greeting);
        await AnswerAsync(await ExpectAsync("qmp_capabilities"), "{}");
    }

    /// <summary>Reads a guest-sync-delimited, which must come after a 0xFF, and returns its number.</summary>
    public async Task<int> ExpectSyncAsync()
    {
        byte[] line = await ReadLineAsync();
        Assert.Equal(0xFF, line[0]);
        JsonElement message = Parse(line[1..]);
        Assert.Equal("guest-sync-delimited", message.GetProperty("execute").GetString());
        return message.GetProperty("arguments").GetProperty("id").GetInt32();
    }

    public Task AnswerSyncAsync(int number) =>
        SendBytesAsync((byte[])[0xFF, .. Encoding.UTF8.GetBytes($$"""{"return": {{number}}}""" + "\n")]);

    public async Task SyncAsync() => await AnswerSyncAsync(await ExpectSyncAsync());

    /// <summary>Waits until the client has closed its end.</summary>
    public async Task UntilClosedAsync()
    {
        byte[] rest = new byte[256];
        try
        {
            while (await _stream.ReadAsync(rest, end) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset is a close as well.
        }
    }

    public void Dispose() => _stream.Dispose();

    private static JsonElement Parse(byte[] line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
