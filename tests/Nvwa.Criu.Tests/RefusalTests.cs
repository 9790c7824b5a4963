using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

public sealed class RefusalTests
{
    [Fact]
    public async Task A_refused_restore_tells_errno_message_and_log()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<int> restored = client.RestoreAsync(
                Requests.Restore with { LogFile = "restore.log" },
                onScript: null,
                CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SendAsync(new Response
            {
                Type = RequestType.Restore,
                Success = false,
                Restore = new RestoreReply { Pid = -1 },
                ErrorNumber = 17,
                ErrorMessage = "Error (criu/cr-restore.c:1237): Can't fork for 812: File exists\n",
            });

            CriuException error = await Assert.ThrowsAsync<CriuException>(() => restored);
            Assert.Equal(CriuOperation.Restore, error.Operation);
            Assert.Equal(17, error.ErrorNumber);
            Assert.Contains("Can't fork for 812", error.PeerMessage, StringComparison.Ordinal);
            Assert.Equal("/images/restore.log", error.LogPath);
            Assert.Null(error.InnerException);
        }
    }

    [Fact]
    public async Task A_request_refused_as_such_comes_under_another_type_and_is_still_a_no()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SendAsync(new Response
            {
                Type = RequestType.Empty,
                Success = false,
                ErrorMessage = "Invalid req",
            });

            CriuException error = await Assert.ThrowsAsync<CriuException>(() => dumped);
            Assert.Equal("Invalid req", error.PeerMessage);
        }
    }

    [Fact]
    public async Task A_refused_pre_dump_is_told_as_one()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task copied = client.PreDumpAsync(Requests.Dump with { TrackMemory = true }, CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.Equal(RequestType.SinglePreDump, request.Type);
            Assert.True(request.Options.TrackMem);
            Assert.False(request.Options.HasNotifyScripts);
            await peer.SendAsync(new Response { Type = RequestType.SinglePreDump, Success = false, ErrorNumber = 3 });

            CriuException error = await Assert.ThrowsAsync<CriuException>(() => copied);
            Assert.Equal(CriuOperation.PreDump, error.Operation);
            Assert.Equal(3, error.ErrorNumber);
        }
    }
}
