using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Qemu.Tests;

public sealed class QmpClientTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task The_greeting_gives_the_version()
    {
        await using var qemu = ScriptedPeer.Play(peer => peer.GreetAsync());
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        Assert.Equal("11.1.3 (Debian)", client.Version.ToString());
    }

    [Fact]
    public async Task A_command_carries_its_arguments_and_its_reply_is_read_as_a_type()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement migrate = await peer.ExpectAsync("migrate");
            Assert.Equal("file:/state", migrate.GetProperty("arguments").GetProperty("uri").GetString());
            await peer.AnswerAsync(migrate, "{}");
            await peer.AnswerAsync(await peer.ExpectAsync("query-status"), """{"running": false, "status": "postmigrate"}""");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        _ = await client.ExecuteAsync("migrate", new JsonObject { ["uri"] = "file:/state" });
        QmpRunStatus status = await client.QueryStatusAsync();

        Assert.Equal(new QmpRunStatus(false, "postmigrate"), status);
        await qemu.PlayedAsync();
    }

    [Fact]
    public async Task A_descriptor_goes_with_its_command_and_is_the_same_open_file()
    {
        string path = Path.GetTempFileName();
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement add = await peer.ExpectAsync("add-fd");
            using (SafeFileHandle passed = peer.TakeDescriptor())
            {
                RandomAccess.Write(passed, "state"u8, 0);
            }

            await peer.AnswerAsync(add, """{"fdset-id": 1, "fd": 20}""");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
        {
            _ = await client.PassAsync("add-fd", new JsonObject { ["fdset-id"] = 1 }, file);
        }

        Assert.Equal("state", await File.ReadAllTextAsync(path));
        await qemu.PlayedAsync();
        File.Delete(path);
    }

    [Fact]
    public async Task A_descriptor_that_is_closed_already_breaks_the_conversation_and_hangs_nobody()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        var closed = new SafeFileHandle();
        closed.Dispose();

        await Assert.ThrowsAsync<QmpTransportException>(() => client.PassAsync("add-fd", [], closed));
    }

    [Fact]
    public async Task Replies_find_their_commands_by_id_in_any_order()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement first = await peer.ExpectAsync("query-name");
            JsonElement second = await peer.ExpectAsync("query-uuid");
            await peer.AnswerAsync(second, "2");
            await peer.AnswerAsync(first, "1");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        Task<JsonElement> first = client.ExecuteAsync("query-name");
        Task<JsonElement> second = client.ExecuteAsync("query-uuid");

        Assert.Equal(1, (await first).GetInt32());
        Assert.Equal(2, (await second).GetInt32());
    }

    [Fact]
    public async Task An_error_has_its_class_and_description_and_the_conversation_goes_on()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement bad = await peer.ExpectAsync("no-such");
            await peer.SendAsync(
                $$$"""{"id": {{{bad.GetProperty("id")}}}, "error": {"class": "CommandNotFound", "desc": "no such command"}}""");
            await peer.AnswerAsync(await peer.ExpectAsync("query-status"), """{"running": true, "status": "running"}""");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        QmpException refused = await Assert.ThrowsAsync<QmpException>(() => client.ExecuteAsync("no-such"));

        Assert.Equal("no-such", refused.Command);
        Assert.Equal("CommandNotFound", refused.ErrorClass);
        Assert.Equal("no such command", refused.Description);
        Assert.True((await client.QueryStatusAsync()).Running);
    }

    [Fact]
    public async Task Events_keep_QEMUs_order_and_time_even_between_a_command_and_its_reply()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement stop = await peer.ExpectAsync("stop");
            await peer.SendAsync("""{"timestamp": {"seconds": 1700000000, "microseconds": 250000}, "event": "STOP"}""");
            await peer.AnswerAsync(stop, "{}");
            await peer.SendAsync(Migration("active"));
            await peer.SendAsync(Migration("completed"));
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        using QmpEvents events = client.Subscribe();

        _ = await client.ExecuteAsync("stop");
        QmpEvent stopped = await events.WaitForAsync("STOP", Soon);
        QmpEvent completed = await events.WaitForAsync(
            "MIGRATION", received => received.Data.GetProperty("status").GetString() == "completed", Soon);

        Assert.Equal(new DateTimeOffset(2023, 11, 14, 22, 13, 20, 250, TimeSpan.Zero), stopped.Timestamp);
        Assert.Equal(JsonValueKind.Undefined, stopped.Data.ValueKind);
        Assert.Equal("completed", completed.Data.GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_event_that_does_not_come_is_a_timeout_that_names_it()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        using QmpEvents events = client.Subscribe();

        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => events.WaitForAsync("RESUME", Brief));

        Assert.Contains("RESUME", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reply_that_comes_too_late_is_dropped_and_the_conversation_goes_on()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement slow = await peer.ExpectAsync("query-block");
            JsonElement next = await peer.ExpectAsync("query-name");
            await peer.AnswerAsync(slow, "[]");
            await peer.AnswerAsync(next, "7");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        _ = await Assert.ThrowsAsync<TimeoutException>(() => client.ExecuteAsync("query-block", timeout: Brief));

        Assert.Equal(7, (await client.ExecuteAsync("query-name")).GetInt32());
    }

    [Fact]
    public async Task When_QEMU_dies_all_who_wait_hear_the_same_reason()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            _ = await peer.ExpectAsync("query-status");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        using QmpEvents events = client.Subscribe();
        Task<QmpEvent> shutdown = events.WaitForAsync("SHUTDOWN", Soon);

        QmpTransportException first = await Assert.ThrowsAsync<QmpTransportException>(() => client.QueryStatusAsync());
        QmpTransportException later = await Assert.ThrowsAsync<QmpTransportException>(() => client.QueryStatusAsync());
        QmpTransportException waiting = await Assert.ThrowsAsync<QmpTransportException>(() => shutdown);

        Assert.All([first, later, waiting, await client.Ended], e => Assert.Equal("the peer closed the connection", e.Reason));
    }

    [Fact]
    public async Task Quit_returns_when_the_socket_is_closed_with_or_without_a_reply()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            _ = await peer.ExpectAsync("quit");
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        await client.QuitAsync(Soon);

        Assert.True(client.Ended.IsCompleted);
    }

    [Theory]
    [InlineData("this is not JSON")]
    [InlineData("[1, 2]")]
    [InlineData("""{"neither": 1}""")]
    [InlineData("""{"return": {}, "id": "not ours"}""")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "Expecting a JSON object"}}""")]
    [InlineData("""{"event": "STOP"}""")]
    [InlineData("""{"event": null, "timestamp": {"seconds": 1, "microseconds": 0}}""")]
    [InlineData("""{"return": {"running": true, "status": null}, "id": 2}""")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "\ud800"}, "id": 2}""")]
    [InlineData("""{"\ud800": 1}""")]
    [InlineData("""{"event": "STOP", "timestamp": {"seconds": "x", "microseconds": 0}}""")]
    [InlineData("""{"event": "STOP", "timestamp": {"seconds": 9223372036854775807, "microseconds": 0}}""")]
    public async Task What_is_not_QMP_ends_the_conversation(string line)
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            _ = await peer.ExpectAsync("query-status");
            await peer.SendAsync(line);
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        _ = await Assert.ThrowsAsync<QmpTransportException>(() => client.QueryStatusAsync());
    }

    [Fact]
    public async Task What_is_not_UTF_8_ends_the_conversation()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            _ = await peer.ExpectAsync("query-status");
            await peer.SendBytesAsync((byte[])[.. "{\"return\": {}, \""u8, 0xFF, .. "id\": 2}\n"u8]);
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        QmpTransportException told = await Assert.ThrowsAsync<QmpTransportException>(() => client.QueryStatusAsync());

        Assert.Equal("a line is not UTF-8", told.Reason);
    }

    [Fact]
    public async Task A_line_without_end_is_given_up_at_the_cap()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            _ = await peer.ExpectAsync("query-status");
            byte[] piece = Encoding.ASCII.GetBytes(new string('x', 1 << 20));
            for (int i = 0; i < 17; i++)
            {
                await peer.SendBytesAsync(piece);
            }

            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        QmpTransportException given = await Assert.ThrowsAsync<QmpTransportException>(() => client.QueryStatusAsync());

        Assert.Contains("longer than", given.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_reply_in_small_pieces_is_read_whole()
    {
        string text = new('y', 300_000);
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            JsonElement schema = await peer.ExpectAsync("query-qmp-schema");
            byte[] reply = Encoding.UTF8.GetBytes($$"""{"return": "{{text}}", "id": {{schema.GetProperty("id")}}}""" + "\n");
            foreach (byte[] piece in reply.Chunk(9_973))
            {
                await peer.SendBytesAsync(piece);
            }
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        Assert.Equal(text, (await client.ExecuteAsync("query-qmp-schema")).GetString());
    }

    [Fact]
    public async Task Connecting_goes_on_through_a_QEMU_that_is_not_ready()
    {
        await using var qemu = ScriptedPeer.Play(
            _ => Task.CompletedTask,
            peer => peer.SendAsync("""{"return": {}}"""),
            peer => peer.GreetAsync());

        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);

        Assert.Equal(11, client.Version.Major);
    }

    [Fact]
    public async Task Connecting_to_nobody_is_a_timeout()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

        _ = await Assert.ThrowsAsync<TimeoutException>(() => QmpClient.ConnectAsync(path, Brief));
    }

    [Fact]
    public async Task A_cancelled_wait_is_a_cancellation_and_not_a_timeout()
    {
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            await peer.UntilClosedAsync();
        });
        await using QmpClient client = await QmpClient.ConnectAsync(qemu.SocketPath, Soon);
        using var cancelled = new CancellationTokenSource(Brief);

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.QueryStatusAsync(cancelled.Token));
    }

    private static string Migration(string status) =>
        $$$"""{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "MIGRATION", "data": {"status": "{{{status}}}"}}""";
}
