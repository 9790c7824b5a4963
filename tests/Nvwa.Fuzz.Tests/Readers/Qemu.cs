using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Nvwa.Qemu;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>A QEMU or a guest agent that says the input, line by line, as commands come; to later connections it is a good one.</summary>
internal abstract class QemuTarget(string name) : WireTarget(name)
{
    /// <summary>How long the peer waits for a command that a client in trouble may never send.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    public override int Rounds => 600;

    public override IReadOnlyList<byte[]> Words { get; } = Bytes(
        "\n", "\r\n", "null", "null", "7", "\"7\"", "true", "{}", "[]", "\"\\ud800\"", "{\"return\":{},\"id\":2}\n", "{\"error\":{\"class\":null,\"desc\":\"\\udfff\"},\"id\":2}\n", "{\"event\":null,",
        "\"timestamp\":{\"seconds\":9e18,\"microseconds\":-1}", "\"id\":1e400", "{\"QMP\":null}\n", "\"qemu\":null", "\"out-data\":\"=\"", "9223372036854775808");

    /// <summary>Serves connections until told to stop.</summary>
    protected async Task ServeAsync(byte[] input, CancellationToken stop)
    {
        byte[][] good = Lines(Encoding.UTF8.GetBytes(Good));
        for (byte[][] lines = Lines(input); ; lines = good)
        {
            Socket client;
            try
            {
                client = await Listener.AcceptAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            using (client)
            {
                await TalkAsync(client, lines);
            }
        }
    }

    /// <summary>A conversation that gets through.</summary>
    protected abstract string Good { get; }

    protected abstract Task TalkAsync(Socket client, byte[][] lines);

    /// <returns>Null if the client says nothing in time, or has hung up.</returns>
    protected static async Task<string?> CommandAsync(Socket client)
    {
        byte[] buffer = new byte[4096];
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            int received = await client.ReceiveAsync(buffer, deadline.Token);
            return received == 0 ? null : Encoding.Latin1.GetString(buffer, 0, received);
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    private static byte[][] Lines(byte[] bytes)
    {
        List<byte[]> lines = [];
        for (int from = 0; from < bytes.Length;)
        {
            int end = bytes.AsSpan(from).IndexOf((byte)'\n');
            int length = end < 0 ? bytes.Length - from : end + 1;
            lines.Add(bytes[from..(from + length)]);
            from += length;
        }

        return [.. lines];
    }

    /// <summary>Time as it is, but no pause between two attempts.</summary>
    protected sealed class Hasty : TimeProvider
    {
        private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero && dueTime <= LongestPause ? TimeSpan.FromTicks(1) : dueTime, period);
    }
}

/// <summary>QMP: a greeting, replies, and events in between.</summary>
internal sealed class QmpConversation() : QemuTarget("qmp")
{
    private const string Greeting = """{"QMP":{"version":{"qemu":{"micro":3,"minor":1,"major":11},"package":"Debian"},"capabilities":["oob"]}}""";
    private const string Capabilities = """{"return":{},"id":1}""";
    private const string Status = """{"return":{"running":true,"status":"running"},"id":2}""";

    protected override string Good => $"{Greeting}\r\n{Capabilities}\r\n{Status}\r\n";

    public override byte[] Valid(Chance chance)
    {
        List<string> lines = [Capabilities, Status];
        for (int count = chance.Below(6); count > 0; count--)
        {
            lines.Insert(chance.Below(lines.Count + 1), Event(chance).ToJsonString());
        }

        return Encoding.UTF8.GetBytes(string.Concat(lines.Prepend(Greeting).Select(line => $"{line}\r\n")));
    }

    public override async Task ReadAsync(byte[] input)
    {
        using var stop = new CancellationTokenSource();
        Task serving = ServeAsync(input, stop.Token);
        await using (QmpClient client = await QmpClient.ConnectAsync(SocketPath, TimeSpan.FromSeconds(20), new Hasty()))
        {
            using QmpEvents events = client.Subscribe();
            try
            {
                Assert.NotNull((await client.QueryStatusAsync()).Status);
            }
            catch (Exception refused) when (refused is QmpException or QmpTransportException)
            {
                Assert.NotEmpty(refused.Message);
            }

            // The one who reads must have told everybody when it stopped.
            Assert.NotEmpty((await client.Ended).Reason);
            await Assert.ThrowsAsync<QmpTransportException>(async () =>
            {
                await foreach (QmpEvent received in events.ReadAllAsync())
                {
                    Assert.NotNull(received.Name);
                }
            });
        }

        await stop.CancelAsync();
        await serving;
    }

    /// <summary>After each command what comes up to the next reply, and at the end all the rest.</summary>
    protected override async Task TalkAsync(Socket client, byte[][] lines)
    {
        await SendAsync(client, lines.FirstOrDefault() ?? []);
        int at = Math.Min(1, lines.Length);
        for (int command = 0; command < 2 && await CommandAsync(client) is not null; command++)
        {
            int reply = Array.FindIndex(lines, at, IsReply);
            int end = reply < 0 ? lines.Length : reply + 1;
            await SendAsync(client, lines[at..end].SelectMany(line => line).ToArray());
            at = end;
        }

        await SendAllAsync(client, lines[at..].SelectMany(line => line).ToArray());
        await DrainAsync(client);
    }

    private static bool IsReply(byte[] line) => line.AsSpan().StartsWith("{\"return\""u8) || line.AsSpan().StartsWith("{\"error\""u8);

    private static JsonObject Event(Chance chance) => new()
    {
        ["timestamp"] = new JsonObject { ["seconds"] = chance.Number(0, int.MaxValue), ["microseconds"] = chance.Below(1_000_000) },
        ["event"] = chance.OneIn(2) ? "STOP" : "MIGRATION",
        ["data"] = new JsonObject { ["status"] = Invented.Of<string>(chance) },
    };
}

/// <summary>The guest agent: one reply for each command, in a port that forgets.</summary>
internal sealed class AgentConversation() : QemuTarget("guest-agent")
{
    protected override string Good => Script("b2s=", "ZXJy");

    public override byte[] Valid(Chance chance)
    {
        string stdout = Convert.ToBase64String(Encoding.UTF8.GetBytes(Invented.Of<string>(chance)));
        return Encoding.UTF8.GetBytes(Script(stdout, Convert.ToBase64String(chance.Bytes(chance.Below(40)))));
    }

    public override async Task ReadAsync(byte[] input)
    {
        using var stop = new CancellationTokenSource();
        Task serving = ServeAsync(input, stop.Token);
        using (var agent = new GuestAgentClient(SocketPath, new Hasty()))
        {
            await RefusedOrNotAsync(async () => Assert.NotNull((await agent.RunAsync(new GuestCommand("/bin/true", []), TimeSpan.FromSeconds(20))).Output));
            await RefusedOrNotAsync(() => agent.OpenFileAsync("/x", GuestFileMode.Read));
            await RefusedOrNotAsync(async () => Assert.NotNull(await agent.ReadFileAsync(1, 100)));
        }

        await stop.CancelAsync();
        await serving;
    }

    /// <summary>A sync is answered; each command takes the next line; and when there are none left the port closes.</summary>
    protected override async Task TalkAsync(Socket client, byte[][] lines)
    {
        for (int at = 0; await CommandAsync(client) is { } command;)
        {
            if (command.Contains("guest-sync-delimited", StringComparison.Ordinal))
            {
                string id = command[(command.LastIndexOf(':') + 1)..command.IndexOf('}', StringComparison.Ordinal)];
                await SendAsync(client, (byte[])[0xFF, .. Encoding.UTF8.GetBytes($"{{\"return\":{id}}}\n")]);
            }
            else if (at < lines.Length)
            {
                await SendAsync(client, lines[at++]);
            }
            else
            {
                return;
            }
        }
    }

    private static async Task RefusedOrNotAsync(Func<Task> ask)
    {
        try
        {
            await ask();
        }
        catch (Exception refused) when (refused is QmpException or QmpTransportException)
        {
            Assert.NotEmpty(refused.Message);
        }
    }

    private static string Script(string stdout, string stderr) => string.Concat(new[]
    {
        """{"return":{"pid":71}}""",
        """{"return":{"exited":false}}""",
        $$$"""{"return":{"exited":true,"exitcode":0,"out-data":"{{{stdout}}}","err-data":"{{{stderr}}}"}}""",
        """{"return":1000}""",
        $$$"""{"return":{"count":2,"buf-b64":"{{{stdout}}}","eof":true}}""",
    }.Select(line => $"{line}\n"));
}
