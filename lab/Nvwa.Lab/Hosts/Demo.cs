using System.Globalization;
using Nvwa.Lab.Clients;
using Nvwa.Qemu;

namespace Nvwa.Lab.Hosts;

/// <summary>
/// One update from the old kernel to the new one, as its operator sees it, and what clients outside saw of it. The result is 0
/// only if nothing was lost.
/// </summary>
public sealed class Demo(TextWriter output)
{
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(3);

    private readonly List<string> _wrong = [];

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        LabImage image = await LabPackage.LocateImageAsync(cancellationToken);
        Say($"Booting a guest: Debian with Linux {image.Release(LabKernel.Old)}, two emulated CPUs.");
        await using LabGuest guest = await LabGuest.StartAsync(
            image, new LabGuestOptions { Name = "demo", Files = LabPackage.Files() }, cancellationToken);
        try
        {
            await guest.WaitForAgentAsync(BootTimeout, cancellationToken);
            await RunAsync(image, new NvwaHost(guest), cancellationToken);
        }
        catch (Exception e) when (e is LabException or TimeoutException or QmpException or QmpTransportException)
        {
            _wrong.Add(e.Message);
        }

        return _wrong.Count == 0 ? 0 : await FailAsync(guest);
    }

    private async Task RunAsync(LabImage image, NvwaHost host, CancellationToken cancellationToken)
    {
        LabGuest guest = host.Guest;
        await TypeAsync(guest, "apt-get install -qqy -o Dpkg::Use-Pty=0 /root/nvwa.deb", cancellationToken);
        // Linux 6.16 and later want CRIU 4.2 for TCP; the package of the next Debian lies in the guest.
        await TypeAsync(guest, "apt-get install -qqy -o Dpkg::Use-Pty=0 /opt/criu-forky/*.deb", cancellationToken);
        await TypeAsync(guest, "criu --version", cancellationToken);
        await KeptWorkloads.EnableAsync(guest, cancellationToken);
        await KeptWorkloads.StartAsync(guest, cancellationToken);
        KeptWorkloads before = await KeptWorkloads.ReadAsync(guest, cancellationToken);
        await host.ConfigureAsync(before.Configuration, cancellationToken: cancellationToken);
        await TypeAsync(guest, $"cat {NvwaHost.RestoreFile}", cancellationToken);
        await TypeAsync(guest, "uname -r", cancellationToken);

        await guest.WaitForNetworkAsync(BootTimeout, cancellationToken);
        await using OutsideWatch watch = await OutsideWatch.StartAsync(guest.Network, cancellationToken);
        await watch.AnsweredAsync(10, AnswerTimeout, cancellationToken: cancellationToken);
        NvwaUpdate? update = await UpdateAsync(image.Release(LabKernel.New), host, cancellationToken);
        KeptWorkloads after = await KeptWorkloads.ReadAsync(guest, cancellationToken);
        await watch.AnsweredAsync(10, AnswerTimeout, cancellationToken: cancellationToken);
        IReadOnlyList<WatchedWorkload> watched = await watch.StopAsync(cancellationToken);
        CaptureSummary capture = await guest.Capture.StopAsync(cancellationToken);
        Tell(before, after, update, watched, capture);
    }

    private async Task<NvwaUpdate?> UpdateAsync(string release, NvwaHost host, CancellationToken cancellationToken)
    {
        Say($"# nvwa update {release}");
        UpdateEnd end = await host.UpdateAsync(release, output.Write, cancellationToken);
        if (end.ExitCode is { } code)
        {
            throw new LabException($"nvwa update ended with exit code {code}");
        }

        string id = end.RequireId();
        string waiting = $"nvwa status --wait {id}";
        Say($"\n# {waiting}");
        GuestCommandResult waited = await host.WaitForUpdateAsync(id, cancellationToken);
        Say((waited.Output + waited.Error).TrimEnd());
        Expect(waited.ExitCode == 0, $"{waiting}: exit code {waited.ExitCode}");
        await TypeAsync(host.Guest, "uname -r", cancellationToken);
        Expect(end.Boot.Release == release, $"the guest runs Linux {end.Boot.Release}, not {release}");
        return (await host.StatusAsync(cancellationToken)).Update;
    }

    /// <summary>Types a command, as it were: the line, what it prints, and a failure if it fails.</summary>
    private async Task TypeAsync(LabGuest guest, string command, CancellationToken cancellationToken)
    {
        Say($"# {command}");
        string printed = await guest.OutputOfAsync($"export DEBIAN_FRONTEND=noninteractive; {{ {command}; }} 2>&1", CommandTimeout, cancellationToken);
        Say(printed.TrimEnd());
    }

    private void Tell(
        KeptWorkloads before, KeptWorkloads after, NvwaUpdate? update, IReadOnlyList<WatchedWorkload> watched, CaptureSummary capture)
    {
        Say("");
        bool dataKept = before.Data == after.Data;
        Tell("redis.service", before.Redis, after.Redis, Data(dataKept), Find(watched, "redis.service"), Find(update, "redis.service"));
        Tell(
            "redis-journal.service", before.RedisJournal, after.RedisJournal, Data(dataKept), Find(watched, "redis-journal.service"),
            Find(update, "redis-journal.service"));
        Tell(
            $"process {before.Ticker}", before.Ticker, after.Ticker, "its counter goes on", Find(watched, "ticker"),
            Find(update, $"{before.Ticker}"));
        Say(Text($"On the wire: {capture.Packets} packets, {capture.Resets} resets, {capture.Unreachables} unreachables."));
        Expect(dataKept, $"the data changed: {before.Data} became {after.Data}");
        Expect(after.TickerFailures == 0, $"the process found itself damaged, see {KeptWorkloads.TickerLog}");
        Expect(before.Units == after.Units, $"systemd had:\n{before.Units}\nand has:\n{after.Units}");
        Expect(update?.Outcome == "updated", $"nvwa calls the update {update?.Outcome ?? "unknown"}");
        Expect(capture is { Packets: > 0, Refusals: [] }, $"refused: {string.Join("; ", capture.Refusals)}");
        if (_wrong.Count == 0)
        {
            Say("Nothing was lost.");
        }
    }

    private void Tell(string name, int before, int after, string data, SteadyReport seen, NvwaWorkload? workload)
    {
        Say(name);
        Say(Text($"  PID         {before} before, {after} after"));
        Say(Text($"  data        {data}; {seen.Replies} answers, each right"));
        Say(Text($"  connection  {(seen.Violation is null ? "kept" : "lost")}, longest gap {seen.LongestGap.TotalSeconds:0.0} s"));
        Say($"  blackout    {Blackout(workload?.Blackout)}");
        Expect(before == after, Text($"{name}: PID {before} became {after}"));
        Expect(seen is { Violation: null, Replies: > 0 }, $"{name}: {seen.Violation ?? "never answered"}");
        Expect(workload?.Step == "restored", $"{name}: nvwa says {workload?.Step ?? "nothing"} ({workload?.Reason})");
        Expect(workload?.Blackout is not null, $"{name}: its blackout is not known");
    }

    private void Say(string line) => output.WriteLine(line);

    private static string Data(bool kept) => Text($"{KeptWorkloads.Keys} keys, {(kept ? "same" : "another")} digest");

    private static string Blackout(NvwaBlackout? blackout) => blackout is null
        ? "unknown"
        : $"{Seconds(blackout.Milliseconds)} s = {string.Join(" + ", blackout.Parts.Select(part => $"{part.Name} {Seconds(part.Milliseconds)}"))}";

    private static string Seconds(long milliseconds) => (milliseconds / 1000.0).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static SteadyReport Find(IReadOnlyList<WatchedWorkload> watched, string name) => watched.Single(one => one.Name == name).Report;

    private static NvwaWorkload? Find(NvwaUpdate? update, string name) => update?.Workloads.FirstOrDefault(workload => workload.Name == name);

    private void Expect(bool holds, string otherwise)
    {
        if (!holds)
        {
            _wrong.Add(otherwise);
        }
    }

    private async Task<int> FailAsync(LabGuest guest)
    {
        Say("");
        foreach (string wrong in _wrong)
        {
            Say($"demo: {wrong}");
        }

        Say($"demo: what the guest left is in {await guest.KeepEvidenceAsync()}");
        return 1;
    }
}
