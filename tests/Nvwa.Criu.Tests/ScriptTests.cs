using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

public sealed class ScriptTests
{
    [Theory]
    [InlineData("pre-stream", CriuScript.PreStream)]
    [InlineData("pre-dump", CriuScript.PreDump)]
    [InlineData("post-dump", CriuScript.PostDump)]
    [InlineData("pre-restore", CriuScript.PreRestore)]
    [InlineData("post-restore", CriuScript.PostRestore)]
    [InlineData("network-lock", CriuScript.NetworkLock)]
    [InlineData("network-unlock", CriuScript.NetworkUnlock)]
    [InlineData("setup-namespaces", CriuScript.SetupNamespaces)]
    [InlineData("post-setup-namespaces", CriuScript.PostSetupNamespaces)]
    [InlineData("pre-resume", CriuScript.PreResume)]
    [InlineData("post-resume", CriuScript.PostResume)]
    [InlineData("orphan-pts-master", CriuScript.OrphanPtsMaster)]
    [InlineData("status-ready", CriuScript.StatusReady)]
    [InlineData("query-ext-files", CriuScript.QueryExternalFiles)]
    [InlineData("pre-lunch", CriuScript.Unknown)]
    public async Task Each_word_of_CRIU_reaches_the_handler(string word, CriuScript script)
    {
        List<CriuNotification> seen = [];
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, Record(seen), CancellationToken.None);
            await peer.ReceiveAsync();
            Assert.True(await peer.NotifyAsync(word));
            await peer.SucceedAsync(RequestType.Dump);
            await dumped;
        }

        Assert.Equal([new CriuNotification(script, word, null)], seen);
    }

    [Fact]
    public async Task A_restore_is_followed_moment_by_moment()
    {
        List<CriuNotification> seen = [];
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<int> restored = client.RestoreAsync(Requests.Restore, Record(seen), CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.True(request.Options.NotifyScripts);
            Assert.True(await peer.NotifyAsync("pre-restore"));
            Assert.True(await peer.NotifyAsync("post-restore", pid: 812));
            Assert.True(await peer.NotifyAsync("pre-resume"));
            Assert.True(await peer.NotifyAsync("post-resume"));
            await peer.SucceedWithAsync(812);
            Assert.Equal(812, await restored);
            Assert.False(client.IsOpen);
        }

        Assert.Equal(
            [
                new CriuNotification(CriuScript.PreRestore, "pre-restore", null),
                new CriuNotification(CriuScript.PostRestore, "post-restore", 812),
                new CriuNotification(CriuScript.PreResume, "pre-resume", null),
                new CriuNotification(CriuScript.PostResume, "post-resume", null),
            ],
            seen);
    }

    [Fact]
    public async Task CRIU_waits_until_the_handler_has_returned()
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, (_, _) => release.Task, CancellationToken.None);
            await peer.ReceiveAsync();
            Task<bool> answer = peer.NotifyAsync("pre-dump");
            Assert.False(answer.IsCompleted);
            release.SetResult();
            Assert.True(await answer);
            await peer.SucceedAsync(RequestType.Dump);
            await dumped;
        }
    }

    [Fact]
    public async Task A_handler_that_throws_says_no_and_its_exception_is_the_reason()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(
                Requests.Dump,
                (_, _) => throw new InvalidDataException("the images are damaged"),
                CancellationToken.None);
            await peer.ReceiveAsync();
            Assert.False(await peer.NotifyAsync("post-dump"));
            await peer.SendAsync(new Response { Type = RequestType.Dump, Success = false });

            CriuException error = await Assert.ThrowsAsync<CriuException>(() => dumped);
            Assert.IsType<InvalidDataException>(error.InnerException);
        }
    }

    [Fact]
    public async Task A_no_that_CRIU_does_not_look_at_is_told_with_the_running_process()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<int> restored = client.RestoreAsync(
                Requests.Restore,
                (moment, _) => moment.Script == CriuScript.PreResume
                    ? Task.FromException(new IOException("disk full"))
                    : Task.CompletedTask,
                CancellationToken.None);
            await peer.ReceiveAsync();
            Assert.False(await peer.NotifyAsync("pre-resume"));
            Assert.True(await peer.NotifyAsync("post-resume"));
            await peer.SucceedWithAsync(812);

            CriuScriptException error = await Assert.ThrowsAsync<CriuScriptException>(() => restored);
            Assert.Equal(CriuScript.PreResume, error.Script);
            Assert.Equal(812, error.Pid);
            Assert.IsType<IOException>(error.InnerException);
        }
    }

    [Fact]
    public async Task Without_a_handler_CRIU_is_not_asked_to_notify_and_must_not()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.False(request.Options.HasNotifyScripts);
            await peer.SendAsync(new Response
            {
                Type = RequestType.Notify,
                Success = true,
                Notify = new Notification { Script = "pre-dump" },
            });

            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(() => dumped);
            Assert.Equal(CriuTransportFailure.UnexpectedReply, error.Failure);
        }
    }

    [Fact]
    public async Task The_handler_learns_of_a_cancellation_and_CRIU_of_the_hang_up()
    {
        using CancellationTokenSource cancel = new();
        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<int> restored = client.RestoreAsync(
                Requests.Restore,
                (_, token) =>
                {
                    entered.SetResult();
                    return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                },
                cancel.Token);
            await peer.ReceiveAsync();
            await peer.SendAsync(new Response
            {
                Type = RequestType.Notify,
                Success = true,
                Notify = new Notification { Script = "post-restore", Pid = 812 },
            });
            await entered.Task;
            await cancel.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restored);
            Assert.True(await peer.SeesHangUpAsync());
            Assert.False(client.IsOpen);
        }
    }

    private static CriuScriptHandler Record(List<CriuNotification> seen) => (notification, _) =>
    {
        seen.Add(notification);
        return Task.CompletedTask;
    };
}
