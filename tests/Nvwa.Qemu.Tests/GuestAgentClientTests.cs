using System.Text;
using System.Text.Json;

namespace Nvwa.Qemu.Tests;

public sealed class GuestAgentClientTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    // The question has to be put before its answer can be lost, also on a busy machine.
    private static readonly TimeSpan LongEnoughToAsk = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task The_first_command_is_preceded_by_a_sync_and_later_ones_are_not()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            await PingedAsync(peer);
            await PingedAsync(peer);
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.PingAsync();
        await client.PingAsync();

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task What_an_older_conversation_left_on_the_port_is_passed_over()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            int number = await peer.ExpectSyncAsync();
            await peer.SendAsync("""{"return": {"exited": true, "exitcode": 3}}""");
            await peer.AnswerSyncAsync(number - 1);
            await peer.SendBytesAsync("half a li"u8.ToArray());
            await peer.AnswerSyncAsync(number);
            await PingedAsync(peer);
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.PingAsync();

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task After_a_lost_reply_the_next_command_begins_with_a_sync_on_a_new_connection()
    {
        await using var agent = ScriptedPeer.Play(
            async peer =>
            {
                await peer.SyncAsync();
                _ = await peer.ExpectAsync("guest-ping");
                await peer.UntilClosedAsync();
            },
            async peer =>
            {
                int number = await peer.ExpectSyncAsync();
                await peer.SendAsync("""{"return": {"late": "reply to the first ping"}}""");
                await peer.AnswerSyncAsync(number);
                await PingedAsync(peer);
            });
        using var client = new GuestAgentClient(agent.SocketPath);

        _ = await Assert.ThrowsAsync<TimeoutException>(() => client.PingAsync(LongEnoughToAsk));
        await client.PingAsync();

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task A_question_lost_with_the_old_kernel_is_asked_again()
    {
        await using var agent = ScriptedPeer.Play(
            async peer =>
            {
                _ = await peer.ExpectSyncAsync();
                await peer.UntilClosedAsync();
            },
            peer => peer.SyncAsync());
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.SyncAsync(Soon);

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task A_socket_that_closes_under_a_sync_is_opened_again()
    {
        await using var agent = ScriptedPeer.Play(
            _ => Task.CompletedTask,
            peer => peer.ExpectSyncAsync(),
            peer => peer.SyncAsync());
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.SyncAsync(Soon);

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task No_agent_is_a_timeout()
    {
        await using var agent = ScriptedPeer.Play(peer => peer.UntilClosedAsync());
        using var client = new GuestAgentClient(agent.SocketPath);

        _ = await Assert.ThrowsAsync<TimeoutException>(() => client.SyncAsync(Brief));
    }

    [Fact]
    public async Task A_refusal_keeps_the_conversation_in_step()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            _ = await peer.ExpectAsync("guest-file-open");
            await peer.SendAsync("""{"error": {"class": "GenericError", "desc": "failed to open file '/x': No such file"}}""");
            await PingedAsync(peer);
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        QmpException refused =
            await Assert.ThrowsAsync<QmpException>(() => client.OpenFileAsync("/x", GuestFileMode.Read));
        await client.PingAsync();

        Assert.Contains("/x", refused.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_is_waited_for_and_its_two_outputs_are_kept_apart()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            JsonElement exec = (await peer.ExpectAsync("guest-exec")).GetProperty("arguments");
            Assert.Equal("""["-c","uname -r"]""", exec.GetProperty("arg").GetRawText());
            Assert.True(exec.GetProperty("capture-output").GetBoolean());
            await peer.SendAsync("""{"return": {"pid": 812}}""");
            JsonElement status = await peer.ExpectAsync("guest-exec-status");
            Assert.Equal(812, status.GetProperty("arguments").GetProperty("pid").GetInt32());
            await peer.SendAsync("""{"return": {"exited": false}}""");
            _ = await peer.ExpectAsync("guest-exec-status");
            await peer.SendAsync("""{"return": {"exited": true, "exitcode": 4, "out-data": "Ny4yCg==", "err-data": "d2h5"}}""");
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        GuestCommandResult result = await client.RunAsync(GuestCommand.Shell("uname -r"), Soon);

        Assert.Equal(new GuestCommandResult(4, "7.2\n", "why", Truncated: false), result);
    }

    [Fact]
    public async Task A_program_that_a_signal_ended_has_the_exit_code_a_shell_would_show()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            _ = await peer.ExpectAsync("guest-exec");
            await peer.SendAsync("""{"return": {"pid": 1}}""");
            _ = await peer.ExpectAsync("guest-exec-status");
            await peer.SendAsync("""{"return": {"exited": true, "signal": 9, "out-truncated": true}}""");
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        GuestCommandResult result = await client.RunAsync(GuestCommand.Shell("kill -9 $$"), Soon);

        Assert.Equal(new GuestCommandResult(137, "", "", Truncated: true), result);
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_a_timeout_that_names_it()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            _ = await peer.ExpectAsync("guest-exec");
            await peer.SendAsync("""{"return": {"pid": 1}}""");
            await peer.UntilClosedAsync();
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        TimeoutException late =
            await Assert.ThrowsAsync<TimeoutException>(() => client.RunAsync(GuestCommand.Shell("sleep 1d"), Brief));

        Assert.Contains("sleep 1d", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_goes_up_in_pieces_that_arrive_in_order()
    {
        byte[] content = [.. Enumerable.Range(0, 600_000).Select(i => (byte)(i * 31))];
        var received = new MemoryStream();
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            JsonElement open = await peer.ExpectAsync("guest-file-open");
            Assert.Equal("wb", open.GetProperty("arguments").GetProperty("mode").GetString());
            await peer.SendAsync("""{"return": 1000}""");
            while (received.Length < content.Length)
            {
                JsonElement write = (await peer.ExpectAsync("guest-file-write")).GetProperty("arguments");
                byte[] piece = write.GetProperty("buf-b64").GetBytesFromBase64();
                received.Write(piece);
                await peer.SendAsync($$$"""{"return": {"count": {{{piece.Length}}}, "eof": false}}""");
            }

            _ = await peer.ExpectAsync("guest-file-close");
            await peer.SendAsync("""{"return": {}}""");
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.UploadAsync(new MemoryStream(content), "/tmp/x");

        await agent.PlayedAsync();
        Assert.Equal(content, received.ToArray());
    }

    [Fact]
    public async Task A_file_comes_down_until_a_read_is_empty()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            _ = await peer.ExpectAsync("guest-file-open");
            await peer.SendAsync("""{"return": 1000}""");
            foreach (string piece in (string[])["one", "two", ""])
            {
                _ = await peer.ExpectAsync("guest-file-read");
                string base64 = Convert.ToBase64String(Encoding.ASCII.GetBytes(piece));
                await peer.SendAsync($$$"""{"return": {"count": {{{piece.Length}}}, "buf-b64": "{{{base64}}}", "eof": false}}""");
            }

            _ = await peer.ExpectAsync("guest-file-close");
            await peer.SendAsync("""{"return": {}}""");
        });
        using var client = new GuestAgentClient(agent.SocketPath);
        using var target = new MemoryStream();

        await client.DownloadAsync("/tmp/x", target);

        Assert.Equal("onetwo", Encoding.ASCII.GetString(target.ToArray()));
    }

    [Fact]
    public async Task A_short_write_is_an_error()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            _ = await peer.ExpectAsync("guest-file-write");
            await peer.SendAsync("""{"return": {"count": 1, "eof": false}}""");
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        QmpException shortened =
            await Assert.ThrowsAsync<QmpException>(() => client.WriteFileAsync(1, "three"u8.ToArray()));

        Assert.Contains("1 of 5", shortened.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shutdown_does_not_wait_for_a_reply()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            JsonElement shutdown = await peer.ExpectAsync("guest-shutdown");
            Assert.Equal("powerdown", shutdown.GetProperty("arguments").GetProperty("mode").GetString());
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        await client.ShutdownAsync(GuestShutdown.PowerOff);

        await agent.PlayedAsync();
    }

    [Fact]
    public async Task Commands_from_several_callers_take_turns()
    {
        await using var agent = ScriptedPeer.Play(async peer =>
        {
            await peer.SyncAsync();
            for (int i = 0; i < 8; i++)
            {
                await PingedAsync(peer);
            }
        });
        using var client = new GuestAgentClient(agent.SocketPath);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.PingAsync()));

        await agent.PlayedAsync();
    }

    private static async Task PingedAsync(PeerConnection peer)
    {
        _ = await peer.ExpectAsync("guest-ping");
        await peer.SendAsync("""{"return": {}}""");
    }
}
