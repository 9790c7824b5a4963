using Nvwa.Lab.Native;
using Nvwa.Linux;

namespace Nvwa.Lab;

/// <summary>Everything that passes the guest's cable, written to a pcap file: the witness for "no reset, no unreachable".</summary>
public sealed class Capture : IAsyncDisposable
{
    private const int PcapHeaderBytes = 24;

    // Enough for the headers, inner ones of an ICMP error included; payload would only fill the disk.
    private const string SnapBytes = "256";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly ChildProcess _tcpdump;
    private bool _stopped;

    private Capture(ChildProcess tcpdump, string path)
    {
        _tcpdump = tcpdump;
        FilePath = path;
    }

    public string FilePath { get; }

    /// <summary>Returns when packets are being taken.</summary>
    public static async Task<Capture> StartAsync(
        LabImage image, LabNetwork network, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(network);
        string[] arguments =
        [
            "-i", LabNetwork.TapName, "-w", path, "-s", SnapBytes, "--packet-buffered", "--immediate-mode",
            "--relinquish-privileges=root",
        ];
        ChildProcess tcpdump = await network.StartAsync(new SpawnRequest(image.Program("tcpdump"), arguments));
        var capture = new Capture(tcpdump, path);
        try
        {
            await capture.WaitForFileAsync(cancellationToken);
            return capture;
        }
        catch
        {
            await capture.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the capture and reads what it saw.</summary>
    public async Task<CaptureSummary> StopAsync(CancellationToken cancellationToken = default)
    {
        await EndAsync(cancellationToken);
        return await Task.Run(() => CaptureSummary.Read(FilePath), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(CancellationToken.None);
        _tcpdump.Dispose();
    }

    // tcpdump writes the file's header after it has begun to listen.
    private async Task WaitForFileAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(StartTimeout);
        Task<int> ended = _tcpdump.WaitAsync(deadline.Token);
        var file = new FileInfo(FilePath);
        while (!file.Exists || file.Length < PcapHeaderBytes)
        {
            if (ended.IsCompletedSuccessfully)
            {
                throw new LabException($"tcpdump ended with {await ended} before it captured");
            }

            await Task.Delay(Poll, TimeProvider.System, deadline.Token);
            file.Refresh();
        }

        await deadline.CancelAsync();
        await ((Task)ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_stopped)
        {
            return;
        }

        _ = _tcpdump.Signal(Libc.SIGTERM);
        _ = await _tcpdump.WaitAsync(cancellationToken).WaitAsync(StopTimeout, cancellationToken);
        _stopped = true;
    }
}
