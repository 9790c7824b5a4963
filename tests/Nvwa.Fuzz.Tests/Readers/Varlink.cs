using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Nvwa.Api;
using Nvwa.Varlink;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>What people may say to the daemon, and the daemon to them.</summary>
internal abstract class VarlinkTarget(string name) : WireTarget(name)
{
    public override IReadOnlyList<byte[]> Words { get; } = Bytes(
        "{\"method\":\"io.nvwa.Status\"}\0", "\"more\":true,", "\"oneway\":true,", "null", "7", "\"7\"", "true", "[]", "{}", "\"\\ud800\"", "1e999", "\0\0", "\"parameters\":{\"version\":null}",
        "\"parameters\":[1],", "\"method\":\"\",", "\"error\":\"\",", "\"continues\":true,");

    protected static VarlinkRequest Request(Chance chance) => new(
        chance.OneIn(4) ? Invented.Of<string>(chance) : $"io.nvwa.{chance.Pick(VarlinkService.Methods)}",
        chance.Below(5) switch
        {
            0 => null,
            1 => JsonSerializer.SerializeToElement(Invented.Of<UpdateParameters>(chance), ApiJson.Default.UpdateParameters),
            2 => JsonSerializer.SerializeToElement(Invented.Of<StatusParameters>(chance), ApiJson.Default.StatusParameters),
            3 => JsonSerializer.SerializeToElement(Invented.Of<InitParameters>(chance), ApiJson.Default.InitParameters),
            _ => JsonSerializer.SerializeToElement(Invented.Of<CheckParameters>(chance), ApiJson.Default.CheckParameters),
        },
        chance.OneIn(8) ? true : null,
        chance.OneIn(2) ? true : null);

    protected static byte[] Several<T>(Chance chance, Func<Chance, T> one, JsonTypeInfo<T> type)
    {
        using var bytes = new MemoryStream();
        for (int count = 1 + chance.Below(5); count > 0; count--)
        {
            T message = one(chance);
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, type);
            Assert.Equal(json, JsonSerializer.SerializeToUtf8Bytes(JsonSerializer.Deserialize(json, type)!, type));
            bytes.Write(json);
            bytes.WriteByte(0);
        }

        return bytes.ToArray();
    }
}

/// <summary>The frame: message after message, until the peer hangs up.</summary>
internal sealed class VarlinkMessages() : VarlinkTarget("varlink")
{
    public override byte[] Valid(Chance chance) => Several(chance, Request, VarlinkJson.Default.VarlinkRequest);

    public override async Task ReadAsync(byte[] input)
    {
        (Socket peer, Socket ours) = await PairAsync();
        using (peer)
        using (var stream = new VarlinkStream(ours))
        {
            Task sending = SendAllAsync(peer, input);
            await ReadAllAsync(stream);
            stream.Dispose();
            await sending;
        }
    }

    private static async Task ReadAllAsync(VarlinkStream stream)
    {
        try
        {
            while (await stream.ReadAsync(VarlinkJson.Default.VarlinkRequest, CancellationToken.None) is { } request)
            {
                Assert.NotNull(request.Method);
                Parameters(request, ApiJson.Default.UpdateParameters, parameters => Assert.NotNull(parameters.Version));
                Parameters(request, ApiJson.Default.CheckParameters, Assert.NotNull);
                Parameters(request, ApiJson.Default.InitParameters, Assert.NotNull);
                Parameters(request, ApiJson.Default.StatusParameters, Assert.NotNull);
            }
        }
        catch (VarlinkProtocolException)
        {
            // Not varlink.
        }
    }

    private static void Parameters<T>(VarlinkRequest request, JsonTypeInfo<T> type, Action<T> check)
    {
        try
        {
            check(new VarlinkCall(request, 1, _ => Task.CompletedTask).Parameters(type));
        }
        catch (VarlinkException refused)
        {
            Assert.Equal("org.varlink.service.InvalidParameter", refused.Error);
        }
    }
}

/// <summary>The daemon's server: whatever a client says, it gets no more replies than it made calls, and others are still served.</summary>
internal sealed class VarlinkService() : VarlinkTarget("varlink-server")
{
    private readonly ConcurrentQueue<string> _log = [];
    private Task? _running;

    public static string[] Methods { get; } = ["Update", "Check", "Init", "Status"];

    public override byte[] Valid(Chance chance) => Several(chance, Request, VarlinkJson.Default.VarlinkRequest);

    public override async Task ReadAsync(byte[] input)
    {
        _running ??= Server().RunAsync(CancellationToken.None);
        byte[] replies = await TalkAsync(input);

        Assert.InRange(replies.Count(value => value == 0), 0, input.Count(value => value == 0));
        Assert.DoesNotContain(_log, line => line.Contains(" failed: ", StringComparison.Ordinal));
        _log.Clear();
        Assert.Equal("{\"parameters\":{}}\0", Encoding.UTF8.GetString(await TalkAsync("{\"method\":\"io.nvwa.Status\"}\0"u8.ToArray())));
    }

    private async Task<byte[]> TalkAsync(byte[] said)
    {
        using Socket client = Unix();
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        Task sending = SendAllAsync(client, said);
        byte[] heard = await DrainAsync(client);
        await sending;
        return heard;
    }

    private VarlinkServer Server()
    {
        JsonElement empty = JsonSerializer.SerializeToElement(new NoParameters(), ApiJson.Default.NoParameters);
        var offered = new VarlinkInterface(NvwaInterface.Name, NvwaInterface.Description, new Dictionary<string, VarlinkMethod>
        {
            ["Update"] = (call, _) => Task.FromResult(Known(call.Parameters(ApiJson.Default.UpdateParameters), empty)),
            ["Check"] = (call, _) => Task.FromResult(Known(call.Parameters(ApiJson.Default.CheckParameters), empty)),
            ["Init"] = (call, _) => Task.FromResult(Known(call.Parameters(ApiJson.Default.InitParameters), empty)),
            ["Status"] = (call, _) => Task.FromResult(Known(call.Parameters(ApiJson.Default.StatusParameters), empty)),
        });
        var info = new ServiceInfo("nvwa", "nvwa", "1", "", [NvwaInterface.Name]);
        return new VarlinkServer(Listener, info, offered, _ => 1, _log.Enqueue);
    }

    private static JsonElement Known(object parameters, JsonElement reply)
    {
        Assert.NotNull(parameters);
        return reply;
    }
}

/// <summary>The command line's client, with a daemon that says anything.</summary>
internal sealed class VarlinkCaller() : VarlinkTarget("varlink-client")
{
    public override byte[] Valid(Chance chance) => Several(chance, Reply, VarlinkJson.Default.VarlinkReply);

    public override async Task ReadAsync(byte[] input)
    {
        Task<Socket> accepting = Listener.AcceptAsync();
        using (VarlinkClient client = await VarlinkClient.ConnectAsync(SocketPath, CancellationToken.None))
        using (Socket daemon = await accepting)
        {
            Task sending = SendAllAsync(daemon, input);
            try
            {
                await foreach (Progress progress in client.CallAsync(
                    "io.nvwa.Update", new UpdateParameters("7.0"), ApiJson.Default.UpdateParameters, ApiJson.Default.Progress, CancellationToken.None))
                {
                    Assert.NotNull(progress.Message);
                }
            }
            catch (Exception refused) when (refused is VarlinkException or VarlinkProtocolException or SocketException)
            {
                // An error, nonsense, or nobody there any more.
            }

            client.Dispose();
            await sending;
        }
    }

    private static VarlinkReply Reply(Chance chance) => chance.OneIn(8)
        ? new VarlinkReply(JsonSerializer.SerializeToElement(Invented.Of<Message>(chance), ApiJson.Default.Message), Error: "io.nvwa.Failed")
        : new VarlinkReply(JsonSerializer.SerializeToElement(Invented.Of<Progress>(chance), ApiJson.Default.Progress), chance.OneIn(8) ? null : true);
}
