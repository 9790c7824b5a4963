using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

public sealed class QuestionTests
{
    [Fact]
    public async Task Version_keeps_the_connection_open_for_the_next_request()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            for (int round = 0; round < 2; round++)
            {
                Task<CriuVersion> asked = client.VersionAsync(CancellationToken.None);
                Request request = await peer.ReceiveAsync();
                Assert.Equal(RequestType.Version, request.Type);
                Assert.True(request.KeepOpen);
                await peer.SendAsync(new Response
                {
                    Type = RequestType.Version,
                    Success = true,
                    Version = new Protocol.Version { MajorNumber = 4, MinorNumber = 2, Sublevel = 1, Name = "NAME" },
                });

                CriuVersion version = await asked;
                Assert.Equal(new CriuVersion(4, 2, 1), version);
                Assert.Equal("NAME", version.ReleaseName);
                Assert.Null(version.GitId);
                Assert.True(client.IsOpen);
            }
        }
    }

    [Fact]
    public async Task Feature_check_asks_for_all_features_and_reports_each()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task<CriuFeatures> asked = client.FeatureCheckAsync(CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.True(request.KeepOpen);
            Assert.True(request.Features.MemTrack && request.Features.LazyPages && request.Features.PidfdStore);
            await peer.SendAsync(new Response
            {
                Type = RequestType.FeatureCheck,
                Success = true,
                Features = new Features { MemTrack = false, LazyPages = true, PidfdStore = true },
            });

            Assert.Equal(new CriuFeatures(false, true, true), await asked);
        }
    }

    [Fact]
    public async Task Check_without_a_directory_sends_no_options()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task asked = client.CheckAsync(new CheckRequest(), CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.Equal(RequestType.Check, request.Type);
            Assert.Null(request.Options);
            Assert.False(request.KeepOpen);
            await peer.SucceedAsync(RequestType.Check);
            await asked;
        }
    }

    [Fact]
    public async Task A_failed_check_is_CRIUs_no()
    {
        (CriuClient client, ScriptedPeer peer) = ScriptedPeer.Connect();
        await using (client)
        using (peer)
        {
            Task asked = client.CheckAsync(new CheckRequest { ImagesPath = "/images" }, CancellationToken.None);
            Request request = await peer.ReceiveAsync();
            Assert.Equal("/images", request.Options.ImagesDir);
            await peer.SendAsync(new Response { Type = RequestType.Check, Success = false });

            CriuException error = await Assert.ThrowsAsync<CriuException>(() => asked);
            Assert.Equal(CriuOperation.Check, error.Operation);
            Assert.Equal(0, error.ErrorNumber);
            Assert.Null(error.PeerMessage);
            Assert.Equal("/images/criu.log", error.LogPath);
        }
    }
}
