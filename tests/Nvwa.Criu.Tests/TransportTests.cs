using System.Net.Sockets;
using Google.Protobuf;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

public sealed class TransportTests
{
    [Fact]
    public async Task CRIU_dies_during_a_dump()
    {
        CriuTransportException error = await DumpAgainst(peer =>
        {
            peer.Die();
            return Task.CompletedTask;
        });
        Assert.Equal(CriuTransportFailure.Closed, error.Failure);
        Assert.Equal(CriuOperation.Dump, error.Operation);
    }

    [Fact]
    public async Task CRIU_dies_before_it_reads_the_request()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        {
            peer.Die();
            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(
                () => client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None));
            Assert.Equal(CriuTransportFailure.Closed, error.Failure);
        }
    }

    [Fact]
    public async Task CRIU_dies_with_our_answer_unread()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        {
            Task dumped = client.DumpAsync(
                Requests.Dump,
                (_, _) =>
                {
                    peer.Die();
                    return Task.CompletedTask;
                },
                CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SendAsync(new Response
            {
                Type = RequestType.Notify,
                Success = true,
                Notify = new Notification { Script = "pre-dump" },
            });

            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(() => dumped);
            Assert.Equal(CriuTransportFailure.Closed, error.Failure);
        }
    }

    [Fact]
    public async Task A_packet_cut_short_is_malformed()
    {
        byte[] whole = new Response { Type = RequestType.Dump, Success = false, ErrorMessage = "a long message" }
            .ToByteArray();
        CriuTransportException error = await DumpAgainst(peer => peer.SendBytesAsync(whole[..^3]));
        Assert.Equal(CriuTransportFailure.Malformed, error.Failure);
    }

    [Fact]
    public async Task A_message_without_a_required_field_is_malformed()
    {
        // Field 1, type DUMP; "success" is missing.
        CriuTransportException error = await DumpAgainst(peer => peer.SendBytesAsync([0x08, 0x01]));
        Assert.Equal(CriuTransportFailure.Malformed, error.Failure);
    }

    [Fact]
    public async Task A_packet_that_is_no_message_is_malformed()
    {
        CriuTransportException error = await DumpAgainst(peer => peer.SendBytesAsync([0xff, 0xff, 0xff, 0xff]));
        Assert.Equal(CriuTransportFailure.Malformed, error.Failure);
    }

    [Fact]
    public async Task A_packet_above_the_cap_is_not_taken()
    {
        Response large = new() { Type = RequestType.Dump, Success = true, ErrorMessage = new string('x', 70_000) };
        CriuTransportException error = await DumpAgainst(peer => peer.SendAsync(large));
        Assert.Equal(CriuTransportFailure.TooLarge, error.Failure);
    }

    [Fact]
    public async Task A_packet_just_below_the_cap_is_taken()
    {
        const int Cap = 4096;
        Response response = new() { Type = RequestType.Dump, Success = true, ErrorMessage = string.Empty };
        response.ErrorMessage = new string('x', Cap - response.CalculateSize() - 1);
        Assert.Equal(Cap, response.CalculateSize());
        (CriuClient client, ScriptedPeer peer) =
            ScriptedPeer.Connect(new CriuClientOptions { MaximumReplyLength = Cap });
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SendAsync(response);
            await dumped;
        }
    }

    [Fact]
    public async Task An_answer_to_another_question_breaks_the_connection()
    {
        CriuTransportException error = await DumpAgainst(peer => peer.SucceedAsync(RequestType.PreDump));
        Assert.Equal(CriuTransportFailure.UnexpectedReply, error.Failure);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_restore_without_a_PID_is_malformed(int pid)
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<int> restored = client.RestoreAsync(Requests.Restore, onScript: null, CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SucceedWithAsync(pid);
            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(() => restored);
            Assert.Equal(CriuTransportFailure.Malformed, error.Failure);
        }
    }

    [Fact]
    public async Task The_deadline_closes_the_connection()
    {
        var deadline = TimeSpan.FromMinutes(3);
        ManualTime time = new();
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect(new CriuClientOptions { TimeProvider = time });
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(
                Requests.Dump with { Deadline = deadline },
                onScript: null,
                CancellationToken.None);
            await peer.ReceiveAsync();
            Assert.False(dumped.IsCompleted);
            time.Expire(deadline);
            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(() => dumped);
            Assert.Equal(CriuTransportFailure.DeadlineExceeded, error.Failure);
            Assert.True(await peer.SeesHangUpAsync());
        }
    }

    [Fact]
    public async Task The_first_reason_stays()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<CriuVersion> asked = client.VersionAsync(CancellationToken.None);
            await peer.ReceiveAsync();
            await peer.SendBytesAsync([0xff]);
            await Assert.ThrowsAsync<CriuTransportException>(() => asked);

            CriuTransportException later = await Assert.ThrowsAsync<CriuTransportException>(
                () => client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None));
            Assert.Equal(CriuTransportFailure.Malformed, later.Failure);
            Assert.Equal(CriuOperation.Dump, later.Operation);
        }
    }

    [Fact]
    public void A_socket_of_another_kind_is_refused()
    {
        (SafeSocketHandle ours, SafeSocketHandle theirs) = SocketPair.Create(SocketPair.Stream);
        using (theirs)
        using (ours)
        {
            Assert.Throws<ArgumentException>(() => new CriuClient(ours));
        }
    }

    private static async Task<CriuTransportException> DumpAgainst(Func<ScriptedPeer, Task> behaviour)
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None);
            await peer.ReceiveAsync();
            await behaviour(peer);
            CriuTransportException error = await Assert.ThrowsAsync<CriuTransportException>(() => dumped);
            Assert.False(client.IsOpen);
            return error;
        }
    }
}
