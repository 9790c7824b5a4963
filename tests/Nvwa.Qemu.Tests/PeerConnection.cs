using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Qemu.Tests;

internal sealed class PeerConnection(Socket socket, CancellationToken end) : IDisposable
{
    public const string Greeting =
        """{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": " (Debian)"}, "capabilities": ["oob"]}}""";

    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private readonly List<SafeFileHandle> _descriptors = [];

    public Task SendAsync(string line) => SendBytesAsync(Encoding.UTF8.GetBytes(line + "\r\n"));

    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes, end);

    /// <summary>Reads one line byte for byte, 0xFF included.</summary>
    public async Task<byte[]> ReadLineAsync()
    {
        var line = new List<byte>();
        while (true)
        {
            byte? one = ReceivedDescriptors.TryRead(socket, _descriptors);
            if (one == (byte)'\n')
            {
                return [.. line];
            }

            if (one is { } read)
            {
                line.Add(read);
            }
            else
            {
                // Returns when there is something.
                _ = await socket.ReceiveAsync(Memory<byte>.Empty, end);
            }
        }
    }

    /// <summary>The descriptor that came with what was read last.</summary>
    public SafeFileHandle TakeDescriptor()
    {
        SafeFileHandle taken = Assert.Single(_descriptors);
        _descriptors.Clear();
        return taken;
    }

    /// <summary>
    /// Answers commands until the client closes: with an empty object, or with what is told for the command. After "then" of it,
    /// lines are sent as events. Returns them as text, one a command, with their arguments.
    /// </summary>
    public async Task<IReadOnlyList<string>> ServeAsync(IReadOnlyDictionary<string, Reply> replies)
    {
        var seen = new List<string>();
        try
        {
            while (true)
            {
                JsonElement command = Parse(await ReadLineAsync());
                string name = command.GetProperty("execute").GetString()!;
                string passed = _descriptors.Count > 0 ? " +fd" : "";
                TakeAway();
                seen.Add((command.TryGetProperty("arguments", out JsonElement arguments) ? $"{name} {arguments.GetRawText()}" : name) + passed);
                Reply reply = replies.GetValueOrDefault(name) ?? new Reply();
                if (reply.Hangs)
                {
                    continue;
                }

                if (reply.Dies)
                {
                    return seen;
                }

                await (reply.Error is { } error
                    ? SendAsync($$$"""{"id": {{{command.GetProperty("id")}}}, "error": {"class": "GenericError", "desc": "{{{error}}}"}}""")
                    : AnswerAsync(command, reply.Next()));
                foreach (string line in reply.Events)
                {
                    await SendAsync(line);
                }

                if (reply.DiesAfter)
                {
                    return seen;
                }
            }
        }
        catch (Exception closed) when (closed is EndOfStreamException or IOException or SocketException)
        {
            return seen;
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

    public void Dispose()
    {
        TakeAway();
        _stream.Dispose();
    }

    private void TakeAway()
    {
        _descriptors.ForEach(descriptor => descriptor.Dispose());
        _descriptors.Clear();
    }

    private static JsonElement Parse(byte[] line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
