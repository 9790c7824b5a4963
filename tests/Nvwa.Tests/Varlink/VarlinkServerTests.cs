using System.Text;
using System.Text.Json;
using Nvwa.Api;
using Nvwa.Varlink;

namespace Nvwa.Tests.Varlink;

public sealed class VarlinkServerTests
{
    private const string Echo = """{"method":"io.test.Echo","parameters":{"x":1}}""";
    private const string Echoed = """{"parameters":{"x":1}}""";

    [Fact]
    public async Task GetInfo_names_the_service_and_its_interfaces() => await AnswersAsync(
        """{"method":"org.varlink.service.GetInfo"}""",
        """{"parameters":{"vendor":"v","product":"p","version":"1","url":"u","interfaces":["org.varlink.service","io.test"]}}""");

    [Theory]
    [InlineData("io.test", Served.Description)]
    [InlineData("org.varlink.service", "interface org.varlink.service\n\nmethod GetInfo()")]
    public async Task GetInterfaceDescription_gives_the_text_of_an_interface(string name, string beginning)
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);
        await client.SendAsync($$$"""{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"{{{name}}}"}}""");

        JsonElement reply = (await client.ReceiveAsync())!.Value;

        Assert.StartsWith(beginning, reply.GetProperty("parameters").GetProperty("description").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"method":"io.test.Nothing"}""", """{"parameters":{"method":"Nothing"},"error":"org.varlink.service.MethodNotFound"}""")]
    [InlineData("""{"method":"org.varlink.service.Echo"}""", """{"parameters":{"method":"Echo"},"error":"org.varlink.service.MethodNotFound"}""")]
    [InlineData("""{"method":"io.other.Echo"}""", """{"parameters":{"interface":"io.other"},"error":"org.varlink.service.InterfaceNotFound"}""")]
    [InlineData("""{"method":"Echo"}""", """{"parameters":{"interface":""},"error":"org.varlink.service.InterfaceNotFound"}""")]
    [InlineData("""{"method":""}""", """{"parameters":{"interface":""},"error":"org.varlink.service.InterfaceNotFound"}""")]
    [InlineData("""{"method":"io.test."}""", """{"parameters":{"method":""},"error":"org.varlink.service.MethodNotFound"}""")]
    [InlineData(
        """{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.x"}}""",
        """{"parameters":{"interface":"io.x"},"error":"org.varlink.service.InterfaceNotFound"}""")]
    [InlineData(
        """{"method":"org.varlink.service.GetInterfaceDescription"}""",
        """{"parameters":{"parameter":"interface"},"error":"org.varlink.service.InvalidParameter"}""")]
    [InlineData("""{"method":"io.test.Query","parameters":{"interface":5}}""", """{"parameters":{"parameter":"interface"},"error":"org.varlink.service.InvalidParameter"}""")]
    [InlineData("""{"method":"io.test.Query","parameters":{"interface":null}}""", """{"parameters":{"parameter":"interface"},"error":"org.varlink.service.InvalidParameter"}""")]
    [InlineData("""{"method":"io.test.Refuse"}""", """{"parameters":{},"error":"io.test.No"}""")]
    public async Task What_is_not_offered_is_refused_by_name(string request, string expected) => await AnswersAsync(request, expected);

    [Theory]
    [InlineData("""{"version":"7.0","dryrun":true}""", "dryrun")]
    [InlineData("""{"verison":"7.0"}""", "verison")]
    [InlineData("{}", "version")]
    [InlineData("""{"version":7}""", "version")]
    [InlineData("""{"version":"7.0","dryRun":"yes"}""", "dryRun")]
    [InlineData("[]", "version")]
    [InlineData("""{"version":"7.0","\ud800":1}""", "\uFFFD")]
    public void A_parameter_that_the_interface_does_not_have_is_named_not_ignored(string parameters, string culprit)
    {
        var request = new VarlinkRequest("io.nvwa.Update", JsonDocument.Parse(parameters).RootElement);
        var call = new VarlinkCall(request, 1, _ => Task.CompletedTask);

        VarlinkException refused = Assert.Throws<VarlinkException>(() => call.Parameters(ApiJson.Default.UpdateParameters));

        Assert.Equal("org.varlink.service.InvalidParameter", refused.Error);
        Assert.Equal(culprit, refused.Parameters.GetProperty("parameter").GetString());
    }

    [Fact]
    public async Task A_method_that_fails_is_answered_and_logged_and_the_connection_goes_on()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        Assert.Equal("""{"parameters":{"message":"a bug"},"error":"io.test.Failed"}""", await client.AskAsync("""{"method":"io.test.Break"}"""));
        Assert.Contains("a bug", Assert.Single(served.Log), StringComparison.Ordinal);
        Assert.Equal(Echoed, await client.AskAsync(Echo));
    }

    [Fact]
    public async Task The_caller_is_known_by_its_process() =>
        await AnswersAsync("""{"method":"io.test.Caller"}""", $$"""{"parameters":{{Environment.ProcessId}}}""");

    [Theory]
    [InlineData("nonsense\0")]
    [InlineData("\0")]
    [InlineData("null\0")]
    [InlineData("[]\0")]
    [InlineData("{}\0")]
    [InlineData("{\"method\":null}\0")]
    [InlineData("{\"method\":7}\0")]
    [InlineData("{\"method\":\"io.test.Echo\",\"more\":\"yes\"}\0")]
    [InlineData("GET / HTTP/1.1\r\n\r\n\0")]
    [InlineData("\u00FF\u00FE\0")]
    [InlineData("nvwa: update 7.0\0")]
    public async Task Nonsense_costs_its_own_connection_only(string nonsense)
    {
        await using var served = new Served();
        using RawClient other = await RawClient.ConnectAsync(served.Path);
        Assert.Equal(Echoed, await other.AskAsync(Echo));
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        await client.SendAsync(Encoding.Latin1.GetBytes(nonsense));

        Assert.Null(await client.ReceiveAsync());
        Assert.Equal(Echoed, await other.AskAsync(Echo));
        Assert.Single(served.Log);
    }

    [Fact]
    public async Task Deep_nesting_costs_its_own_connection_only()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        await client.SendAsync($$"""{"method":"io.test.Echo","parameters":{{new string('[', 100_000)}}""");

        Assert.Null(await client.ReceiveAsync());
        await StillServesAsync(served);
    }

    [Fact]
    public async Task A_message_in_single_bytes_is_a_message()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        foreach (byte value in (byte[])[.. Encoding.UTF8.GetBytes(Echo), 0])
        {
            await client.SendAsync([value]);
        }

        Assert.Equal(Echoed, (await client.ReceiveAsync())!.Value.GetRawText());
    }

    [Fact]
    public async Task Several_requests_at_once_are_answered_in_their_order()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        await client.SendAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 500).Select(i => $$$"""{"method":"io.test.Echo","parameters":{"i":{{{i}}}}}""" + '\0'))));

        for (int i = 0; i < 500; i++)
        {
            Assert.Equal($$$"""{"parameters":{"i":{{{i}}}}}""", (await client.ReceiveAsync())!.Value.GetRawText());
        }
    }

    [Fact]
    public async Task A_long_message_is_taken_and_one_over_the_limit_is_not()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);
        string Request(int padding) => $$$"""{"method":"io.test.Echo","parameters":{"x":"{{{new string('x', padding)}}}"}}""";
        int longest = VarlinkStream.MaxMessage - 1 - Request(0).Length;

        Assert.Equal($$$"""{"parameters":{"x":"{{{new string('x', longest)}}}"}}""", await client.AskAsync(Request(longest)));

        // Never ended: the server must not wait for more than it would take.
        await client.SendAsync(Encoding.UTF8.GetBytes(Request(VarlinkStream.MaxMessage)[..VarlinkStream.MaxMessage]));
        Assert.Null(await client.ReceiveAsync());
        await StillServesAsync(served);
    }

    [Fact]
    public async Task A_client_that_goes_away_within_a_message_costs_nothing()
    {
        await using var served = new Served();
        using (RawClient client = await RawClient.ConnectAsync(served.Path))
        {
            await client.SendAsync("{\"method\""u8.ToArray());
        }

        await StillServesAsync(served);
    }

    [Fact]
    public async Task With_more_each_step_is_a_reply_and_only_the_last_one_ends_it()
    {
        await using var served = new Served();
        served.GoOn.SetResult();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        Assert.Equal("""{"parameters":{"step":1},"continues":true}""", await client.AskAsync("""{"method":"io.test.Work","more":true}"""));
        Assert.Equal("""{"parameters":{"step":2},"continues":true}""", (await client.ReceiveAsync())!.Value.GetRawText());
        Assert.Equal("""{"parameters":{"step":3},"continues":true}""", (await client.ReceiveAsync())!.Value.GetRawText());
        Assert.Equal("""{"parameters":{"step":4}}""", (await client.ReceiveAsync())!.Value.GetRawText());
    }

    [Fact]
    public async Task Without_more_there_is_one_reply()
    {
        await using var served = new Served();
        served.GoOn.SetResult();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        Assert.Equal("""{"parameters":{"step":4}}""", await client.AskAsync("""{"method":"io.test.Work"}"""));
        Assert.Equal(Echoed, await client.AskAsync(Echo));
    }

    [Fact]
    public async Task A_oneway_call_is_not_answered()
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        await client.SendAsync("""{"method":"io.test.Refuse","oneway":true}""");

        Assert.Equal(Echoed, await client.AskAsync(Echo));
    }

    [Fact]
    public async Task A_client_that_goes_away_does_not_end_the_work_it_asked_for()
    {
        await using var served = new Served();
        using (RawClient client = await RawClient.ConnectAsync(served.Path))
        {
            await client.AskAsync("""{"method":"io.test.Work","more":true}""");
            await served.Working.Task.Soonest();
        }

        await StillServesAsync(served);
        Assert.False(served.Worked.Task.IsCompleted);
        served.GoOn.SetResult();

        await served.Worked.Task.Soonest();
        await StillServesAsync(served);
        Assert.Contains(served.Log, line => line.Contains("the caller of io.test.Work went away; the work goes on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_clients_are_served_at_once()
    {
        await using var served = new Served();
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => RawClient.ConnectAsync(served.Path)));
        try
        {
            await Task.WhenAll(clients.Select(client => client.SendAsync("""{"method":"io.test.Work"}""")));
            await served.Working.Task.Soonest();
            await StillServesAsync(served);
            served.GoOn.SetResult();

            Assert.All(
                await Task.WhenAll(clients.Select(client => client.ReceiveAsync())),
                reply => Assert.Equal("""{"parameters":{"step":4}}""", reply!.Value.GetRawText()));
        }
        finally
        {
            Array.ForEach(clients, client => client.Dispose());
        }
    }

    [Fact]
    public async Task Clients_that_say_nothing_do_not_take_all_places_for_ever()
    {
        var time = new ManualTime();
        await using var served = new Served(time);
        RawClient[] silent = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => RawClient.ConnectAsync(served.Path)));
        try
        {
            foreach (RawClient _ in silent)
            {
                await time.StartedAsync();
            }

            using RawClient late = await RawClient.ConnectAsync(served.Path);
            Task<string> answer = late.AskAsync(Echo);
            time.Advance(TimeSpan.FromSeconds(30));

            Assert.Equal(Echoed, await answer);
            Assert.Null(await silent[0].ReceiveAsync());
        }
        finally
        {
            Array.ForEach(silent, client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_client_that_has_spoken_may_think_as_long_as_it_likes()
    {
        var time = new ManualTime();
        await using var served = new Served(time);
        using RawClient client = await RawClient.ConnectAsync(served.Path);
        Assert.Equal(Echoed, await client.AskAsync(Echo));

        time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(Echoed, await client.AskAsync(Echo));
    }

    [Fact]
    public async Task Our_client_gets_each_reply_and_our_errors()
    {
        await using var served = new Served();
        served.GoOn.SetResult();
        using VarlinkClient client = await VarlinkClient.ConnectAsync(served.Path, CancellationToken.None);
        List<int> steps = [];

        await foreach (JsonElement reply in client.CallAsync(
            "io.test.Work", new NoParameters(), ApiJson.Default.NoParameters, VarlinkJson.Default.JsonElement, CancellationToken.None))
        {
            steps.Add(reply.GetProperty("step").GetInt32());
        }

        Assert.Equal([1, 2, 3, 4], steps);
        VarlinkException refused = await Assert.ThrowsAsync<VarlinkException>(async () =>
            await client.CallAsync("io.test.Refuse", new NoParameters(), ApiJson.Default.NoParameters, VarlinkJson.Default.JsonElement, CancellationToken.None).FirstAsync());
        Assert.Equal("io.test.No", refused.Error);
    }

    private static async Task AnswersAsync(string request, string expected)
    {
        await using var served = new Served();
        using RawClient client = await RawClient.ConnectAsync(served.Path);

        Assert.Equal(expected, await client.AskAsync(request));
        Assert.Equal(Echoed, await client.AskAsync(Echo));
        Assert.Empty(served.Log);
    }

    private static async Task StillServesAsync(Served served)
    {
        using RawClient client = await RawClient.ConnectAsync(served.Path);
        Assert.Equal(Echoed, await client.AskAsync(Echo));
    }
}
