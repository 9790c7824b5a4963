using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

public sealed class MisuseTests
{
    public static TheoryData<string> Wrong => [.. WrongRequests.Keys];

    private static Dictionary<string, CriuRequest> WrongRequests => new()
    {
        ["no directory"] = Requests.Dump with { ImagesPath = null },
        ["relative directory"] = Requests.Dump with { ImagesPath = "images" },
        ["log with a path"] = Requests.Dump with { LogFile = "logs/dump.log" },
        ["log without a name"] = Requests.Dump with { LogFile = string.Empty },
        ["log that leaves"] = Requests.Dump with { LogFile = ".." },
        ["no such process"] = Requests.Dump with { Pid = 0 },
        ["no time"] = Requests.Dump with { Deadline = TimeSpan.Zero },
        ["running and stopped"] = Requests.Dump with { LeaveRunning = true, LeaveStopped = true },
        ["kept and closed"] = Requests.Dump with { TcpEstablished = true, TcpClose = true },
        ["absolute parent"] = Requests.Dump with { ParentImage = "/before" },
        ["relative cgroup"] = Requests.Dump with { FreezeCgroup = "system.slice/a.service" },
        ["no time to freeze"] = Requests.Dump with { FreezeTimeout = TimeSpan.Zero },
        ["nameless external"] = Requests.Dump with { External = [default] },
        ["no such log level"] = Requests.Dump with { LogLevel = (CriuLogLevel)9 },
        ["no such cgroup mode"] = Requests.Dump with { ManageCgroups = (CgroupMode)99 },
        ["relative configuration"] = Requests.Restore with { ConfigFile = "criu.conf" },
        ["inherited twice"] = Requests.Restore with
        {
            InheritedResources = [InheritedResource.Socket(7, 3), InheritedResource.Socket(7, 4)],
        },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_be_meant_is_refused_without_asking_CRIU(string name) =>
        Assert.Throws<ArgumentException>(() => WrongRequests[name].Validate());

    [Fact]
    public async Task A_wrong_request_leaves_the_connection_as_it_was()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            await Assert.ThrowsAsync<ArgumentException>(
                () => client.DumpAsync(Requests.Dump with { Pid = -1 }, onScript: null, CancellationToken.None));
            Assert.True(client.IsOpen);
        }
    }

    [Fact]
    public async Task After_a_dump_the_process_is_spent()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task dumped = client.DumpAsync(Requests.Dump, onScript: null, CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.False(request.KeepOpen);
            await peer.SucceedAsync(RequestType.Dump);
            await dumped;

            Assert.False(client.IsOpen);
            await Assert.ThrowsAsync<InvalidOperationException>(() => client.VersionAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Two_requests_at_once_are_refused()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<CriuVersion> first = client.VersionAsync(CancellationToken.None);
            await Assert.ThrowsAsync<InvalidOperationException>(
                () => client.FeatureCheckAsync(CancellationToken.None));
            await peer.ReceiveAsync();
            await peer.SendAsync(new Response
            {
                Type = RequestType.Version,
                Success = true,
                Version = new Protocol.Version { MajorNumber = 4, MinorNumber = 1 },
            });
            Assert.Equal(new CriuVersion(4, 1), await first);
        }
    }

    [Fact]
    public async Task A_disposed_client_says_so()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        using (peer)
        {
            await client.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => client.VersionAsync(CancellationToken.None));
        }
    }
}
