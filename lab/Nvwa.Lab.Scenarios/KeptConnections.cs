using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Nvwa.Lab.Clients;
using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// Sockets of all kinds go to the other kernel and back with their processes: a thousand connections, half-closed ones, full
/// ones, some not yet accepted, UDP, multicast, options, and those of the host to itself. What peers see is a pause.
/// </summary>
[Collection(OneGuestAtATime.Name)]
[Trait("table", "compatibility")]
[Trait("half", "full")]
public sealed class KeptConnections(PreparedHost prepared)
{
    private const int CrowdSize = 1000;
    private const int CrowdPort = 7000;
    private const int SlowPort = 7004;
    private const int ControlPort = 7000;
    private const int ConnectedPort = 7005;
    private const int GroupPort = 7006;

    private const string Configuration = "services:\n- sockets\n- local-peer\n";

    private const string PeerLog = "/root/local-peer.log";

    // In no unit that is stopped before the switch, so that nobody closes its end.
    private const string StartStranger =
        """
        setsid -f python3 -c '
        import socket, time
        listener = socket.create_server(("127.0.0.1", 7099))
        connection = listener.accept()
        time.sleep(10000)' </dev/null >/dev/null 2>&1
        """;

    private const string Start =
        """
        systemctl disable -q --now redis.service redis-journal.service && pkill -f '[t]icker.py'
        systemctl enable -q sockets.service local-peer.service && systemctl start sockets.service
        timeout 60 sh -c 'until test -e /run/sockets/datagrams; do sleep 0.2; done'
        systemctl start local-peer.service
        timeout 60 sh -c 'until grep -q answers /root/local-peer.log; do sleep 0.2; done'
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);

    private static readonly IPAddress[] Outside = [LabNetwork.OutsideAddress, LabNetwork.OutsideAddressV6];
    private static readonly IPAddress[] Guest = [LabNetwork.GuestAddress, LabNetwork.GuestAddressV6];
    private static readonly IPAddress[] Groups = [IPAddress.Parse("239.66.0.1"), IPAddress.Parse("ff15::66")];

    [Fact]
    public Task Peers_of_kept_sockets_see_a_pause() => prepared.RunAsync("kept-connections", async host =>
    {
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync(StartStranger);
        _ = await guest.OutputOfAsync(Start, Patience);
        await host.ConfigureAsync(Configuration);
        HostState.Says(await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 0, "127.0.0.1:7099", "which is not kept");
        TickerClient[] crowd = await CrowdAsync(guest.Network);
        DatagramClient[] datagrams = [await DatagramClient.BindAsync(guest.Network, Outside[0]), await DatagramClient.BindAsync(guest.Network, Outside[1])];
        for (int i = 0; i < datagrams.Length; i++)
        {
            _ = await datagrams[i].AskAsync(new IPEndPoint(Guest[i], ControlPort), $"connect {Outside[i]} {datagrams[i].Local.Port}", AnswerTimeout);
        }

        await UpdateAsync(host, prepared.NewKernel, crowd, datagrams, "waits");
        await guest.WaitUntilAsync($"grep -q '^stranger:' {PeerLog}", Patience);
        _ = await host.InstallNewerCriuAsync();
        await UpdateAsync(host, prepared.OldKernel, crowd, datagrams, "here");

        foreach (SteadyReport report in await Task.WhenAll(crowd.Select(client => client.StopAsync(Patience))))
        {
            Assert.Null(report.Violation);
        }

        CaptureSummary capture = await guest.Capture.StopAsync();
        Assert.Empty(capture.Refusals);
        Assert.Equal("0", (await guest.OutputOfAsync($"grep -c FAIL {PeerLog} || true")).Trim());
        foreach (TickerClient client in crowd)
        {
            await client.DisposeAsync();
        }

        Array.ForEach(datagrams, datagram => datagram.Dispose());
    });

    private static async Task<TickerClient[]> CrowdAsync(LabNetwork network)
    {
        List<TickerClient> crowd = [];
        for (int i = 0; i < CrowdSize; i++)
        {
            crowd.Add(await TickerClient.ConnectAsync(network, new IPEndPoint(Guest[i % 2], CrowdPort), Patience));
            crowd[^1].Start(TimeSpan.FromSeconds(10));
        }

        return [.. crowd];
    }

    private static async Task UpdateAsync(NvwaHost host, string release, TickerClient[] crowd, DatagramClient[] datagrams, string inPair)
    {
        LabGuest guest = host.Guest;
        using MidwayConnections midway = await MidwayConnections.BeginAsync(guest.Network);
        using var done = new CancellationTokenSource();
        Task<List<TickerClient>> newcomers = NewcomersAsync(guest.Network, done.Token);
        await ReachableAsync(datagrams);
        int answers = await AnswersAsync(guest);

        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        Assert.Equal(release, end.Boot.Release);

        await Task.WhenAll(crowd.Select(client => client.WaitForRepliesAsync(1, Patience)));
        await midway.EndAsync(question => AskAsync(datagrams[0], question));
        await ReachableAsync(datagrams);
        Assert.Equal("the same", await AskAsync(datagrams[0], "options"));
        Assert.Equal(inPair, await AskAsync(datagrams[0], "pair"));
        _ = await AskAsync(datagrams[0], $"log {inPair}");
        await guest.WaitUntilAsync($"journalctl -q -t sockets.py | grep -q 'sockets.py.*: {inPair}$'", Patience);
        await guest.WaitUntilAsync($"test $(sed -n 's/^answers //p' {PeerLog} | tail -n1) -gt {answers + 100}", Patience);
        await done.CancelAsync();
        await Task.WhenAll((await newcomers).Select(newcomer => newcomer.WaitForRepliesAsync(1, Patience)));
        await HostState.NothingIsLeftAsync(guest);
        await CompatibilityTable.AddAsync(host);
    }

    /// <summary>A little fewer connections than the server accepts: one of them is waiting for it at most times.</summary>
    private static async Task<List<TickerClient>> NewcomersAsync(LabNetwork network, CancellationToken done)
    {
        List<TickerClient> newcomers = [];
        while (!done.IsCancellationRequested)
        {
            try
            {
                newcomers.Add(await TickerClient.ConnectAsync(network, new IPEndPoint(Guest[0], SlowPort), Patience, CancellationToken.None));
                newcomers[^1].Start(TimeSpan.FromSeconds(30));
            }
            catch (SocketException nobody) when (nobody.SocketErrorCode is SocketError.HostUnreachable or SocketError.TimedOut)
            {
                // Between the kernels there is nobody: on the link to ask for the address of the host, or to answer for two minutes.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System, CancellationToken.None);
        }

        return newcomers;
    }

    /// <summary>Each socket of UDP answers where it did, and to whom it did.</summary>
    private static async Task ReachableAsync(DatagramClient[] datagrams)
    {
        for (int i = 0; i < datagrams.Length; i++)
        {
            int count = int.Parse(await datagrams[i].AskAsync(new IPEndPoint(Guest[i], ControlPort), "count", AnswerTimeout), CultureInfo.InvariantCulture);
            Assert.True(count > 0);
            Assert.Equal("connected", await datagrams[i].AskAsync(new IPEndPoint(Guest[i], ConnectedPort), "connected", AnswerTimeout));
            Assert.Equal("to all", await datagrams[i].AskAsync(new IPEndPoint(Groups[i], GroupPort), "to all", AnswerTimeout));
        }
    }

    private static async Task<int> AnswersAsync(LabGuest guest) =>
        int.Parse(await guest.OutputOfAsync($"sed -n 's/^answers //p' {PeerLog} | tail -n1"), CultureInfo.InvariantCulture);

    private static Task<string> AskAsync(DatagramClient client, string question) => client.AskAsync(new IPEndPoint(Guest[0], ControlPort), question, AnswerTimeout);

    /// <summary>Connections that are in the middle of something at the switch, over IPv4 and IPv6.</summary>
    private sealed class MidwayConnections : IDisposable
    {
        private const int FullPort = 7001;
        private const int LastPort = 7002;
        private const int FirstPort = 7003;
        private const int LastLength = 60_000;

        private readonly List<PatternClient> _all = [];
        private readonly List<(PatternClient Client, Task Sending)> _full = [];
        private readonly List<PatternClient> _last = [];
        private readonly List<(PatternClient Client, int Received)> _first = [];

        public static async Task<MidwayConnections> BeginAsync(LabNetwork network)
        {
            var midway = new MidwayConnections();
            foreach (IPAddress guest in Guest)
            {
                PatternClient full = await midway.ConnectAsync(network, guest, FullPort);
                // Neither side reads: it ends when both directions have been.
                midway._full.Add((full, full.SendAsync(PatternClient.Length)));
                PatternClient last = await midway.ConnectAsync(network, guest, LastPort);
                await last.SendAsync(LastLength);
                midway._last.Add(last);
                // One has the server's end, and one has not read a byte before it.
                int received = midway._first.Count == 0 ? PatternClient.Length : 0;
                PatternClient first = await midway.ConnectAsync(network, guest, FirstPort);
                await first.ReceiveAsync(received);
                midway._first.Add((first, received));
            }

            return midway;
        }

        public async Task EndAsync(Func<string, Task<string>> ask)
        {
            foreach ((PatternClient client, Task sending) in _full)
            {
                Assert.False(sending.IsCompleted);
                await client.ReceiveAsync(PatternClient.Length).WaitAsync(Patience);
                await sending.WaitAsync(Patience);
                Assert.Equal(PatternClient.Digest(PatternClient.Length), await client.ReceiveRestAsync().WaitAsync(Patience));
            }

            Assert.Equal("going", await ask("go"));
            foreach (PatternClient client in _last)
            {
                Assert.Equal(PatternClient.Digest(LastLength), await client.ReceiveRestAsync().WaitAsync(Patience));
            }

            int heard = Heard(await ask("heard"));
            foreach ((PatternClient client, int received) in _first)
            {
                await client.ReceiveAsync(PatternClient.Length - received).WaitAsync(Patience);
                Assert.Equal("", await client.ReceiveRestAsync().WaitAsync(Patience));
                await client.SendAsync(PatternClient.Length).WaitAsync(Patience);
            }

            using var deadline = new CancellationTokenSource(Patience);
            while (Heard(await ask("heard")) < heard + _first.Count)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, deadline.Token);
            }
        }

        public void Dispose() => _all.ForEach(client => client.Dispose());

        private async Task<PatternClient> ConnectAsync(LabNetwork network, IPAddress guest, int port)
        {
            PatternClient client = await PatternClient.ConnectAsync(network, new IPEndPoint(guest, port), Patience);
            _all.Add(client);
            return client;
        }

        /// <summary>How many: all had the right digest.</summary>
        private static int Heard(string answer)
        {
            string[] words = answer.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.All(words[1..], digest => Assert.Equal(PatternClient.Digest(PatternClient.Length), digest));
            return int.Parse(words[0], CultureInfo.InvariantCulture);
        }
    }
}
