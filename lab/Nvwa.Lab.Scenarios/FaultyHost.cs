using System.Globalization;
using System.Net;
using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// A host that meets one fault after another, and at last an update that nothing disturbs. After each fault it is looked at as
/// a whole: the end state and who is in it, PIDs and data of what is kept, the connections from outside, what is left over.
/// </summary>
internal sealed class FaultyHost(NvwaHost host, LabImage image, FaultTable table) : IAsyncDisposable
{
    // A peer that has waited for a minute asks again only after another.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SettleTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan FireTimeout = TimeSpan.FromMinutes(5);

    private const string Services = "redis.service redis-journal.service cron.service ssh.service nvwa.service";

    // The peers of what is gone, who may ask for it long after: a cold start refuses the old connections.
    private readonly HashSet<IPEndPoint> _forgiven = [];
    private KeptWorkloads? _workloads;
    private OutsideWatch? _watch;

    private LabGuest Guest => host.Guest;

    public async Task BeginAsync()
    {
        // Updates go both ways here.
        _ = await host.InstallNewerCriuAsync();
        _ = await Guest.OutputOfAsync("systemctl enable -q damage.service");
        await LookAsync();
    }

    /// <summary>One update with the fault in it.</summary>
    public async Task MeetAsync(FaultCase fault)
    {
        EndState end = EndState.None;
        bool holds = false;
        try
        {
            GuestBoot before = await Guest.BootAsync();
            string? previous = (await host.StatusAsync()).Update?.Id;
            string target = Target(before.Release);
            await PrepareAsync(fault);
            await UpdateAsync(fault, target);
            NvwaUpdate update = await SettledAsync(previous);
            end = Enum.TryParse(update.Outcome, ignoreCase: true, out EndState named) ? named : EndState.None;
            Assert.True(fault.End == end, $"{fault}: {end}, not {fault.End}: {update.Reason}");
            await IsOnAsync(fault, before, target);
            IReadOnlyList<string> gone = await HoldsAsync(fault, update);
            await CleanUpAsync(fault, gone);
            holds = true;
        }
        finally
        {
            await table.AddAsync(fault.Name, fault.Phase, $"{end}", holds);
        }
    }

    /// <summary>The next update, which must succeed, and what was seen from outside in all this time.</summary>
    public async Task EndAsync()
    {
        await MeetAsync(new FaultCase("(none)", "", EndState.Updated));
        Assert.All(await _watch!.StopAsync(), watched => watched.Report.Verify());
        CaptureSummary capture = await Guest.Capture.StopAsync();
        Assert.True(capture.Packets > 0);
        Assert.DoesNotContain(capture.Refusals, refusal => !IsForgiven(refusal));
    }

    public async ValueTask DisposeAsync()
    {
        if (_watch is { } watch)
        {
            _watch = null;
            await watch.DisposeAsync();
        }
    }

    private async Task PrepareAsync(FaultCase fault)
    {
        string server = fault.Criu is null
            ? NvwaHost.DefaultServerConfiguration
            : NvwaHost.DefaultServerConfiguration.Replace("/usr/sbin/criu", fault.Criu, StringComparison.Ordinal);
        await host.ConfigureAsync(_workloads!.Configuration + (fault.RestoresNetwork ? "restore_net: true\n" : ""), server);
        _ = await Guest.OutputOfAsync(fault.Before, SettleTimeout);
        await FaultSeam.ArmAsync(Guest, fault.Seam);
    }

    private string Target(string running) => image.Release(running == image.Release(LabKernel.Old) ? LabKernel.New : LabKernel.Old);

    private async Task UpdateAsync(FaultCase fault, string target)
    {
        string words = $"{fault.Version ?? target} {fault.Options}";
        if (!fault.IsPowerCut)
        {
            _ = await host.UpdateAsync(words);
            return;
        }

        int fired = await FaultSeam.CountAsync(Guest, fault.Name);
        await host.StartUpdateAsync(words);
        await FaultSeam.WaitForStandstillAsync(Guest, fault.Name, fired, FireTimeout);
        await Guest.PowerCutAsync();
        await Guest.PowerOnAsync(fault.PowerOn);
        await Guest.WaitForAgentAsync(BootTimeout);
        await Guest.WaitForNetworkAsync(BootTimeout);
    }

    /// <summary>Waits until nvwa has nothing to do, and reads what it says of the update.</summary>
    private async Task<NvwaUpdate> SettledAsync(string? previous)
    {
        // The daemon may be away: killed, or not yet started by this boot.
        await Guest.WaitUntilAsync("nvwa status || test $? = 4", BootTimeout);
        NvwaUpdate begun = (await host.StatusAsync()).Update ?? throw new LabException("nvwa knows of no update");
        Assert.NotEqual(previous, begun.Id);
        GuestCommandResult waited = await host.WaitForUpdateAsync(begun.Id);
        NvwaUpdate ended = (await host.StatusAsync()).Update!;
        Assert.Equal(begun.Id, ended.Id);
        int incomplete = ended.Outcome is "degraded" or "interrupted" ? 4 : 0;
        Assert.Equal(ended.Outcome == "rolledBack" ? 1 : incomplete, waited.ExitCode);
        Assert.Equal(incomplete, (await host.NvwaAsync("status")).ExitCode);
        return ended;
    }

    /// <summary>The kernel is the one that the fault leads to, and only what was rolled back is in the boot that it began in.</summary>
    private async Task IsOnAsync(FaultCase fault, GuestBoot before, string target)
    {
        GuestBoot now = await Guest.BootAsync();
        bool stays = fault.ComesBack || fault.End == EndState.RolledBack;
        Assert.Equal(fault.IsPowerCut ? image.Release(fault.PowerOn) : stays ? before.Release : target, now.Release);
        Assert.Equal(fault.End == EndState.RolledBack, now.Id == before.Id);
        await Guest.WaitForNetworkAsync(BootTimeout);
    }

    /// <summary>The host is what the end state says.</summary>
    /// <returns>The workloads that are gone.</returns>
    private async Task<IReadOnlyList<string>> HoldsAsync(FaultCase fault, NvwaUpdate update)
    {
        Assert.Equal("", await FaultSeam.LeftAsync(Guest));
        await Guest.WaitUntilAsync($"! systemctl is-active {Services} | grep -v '^active'", SettleTimeout);
        KeptWorkloads after = await KeptWorkloads.ReadAsync(Guest);
        string[] gone = [.. KeptWorkloads.Names.Where(name => !_workloads!.IsKept(name, after))];
        Assert.True(gone.Except(fault.MayBeGone).Order().SequenceEqual(fault.Gone.Order()), $"{fault}: gone: {string.Join(", ", gone)}: {_workloads} became {after}");
        await _watch!.AnsweredAsync(10, AnswerTimeout, [.. KeptWorkloads.Names.Except(gone)]);
        switch (fault.End)
        {
            case EndState.RolledBack:
                Assert.All(gone, name => IsNamed(update, name));
                break;
            case EndState.Updated or EndState.Degraded:
                Assert.Equal(KeptWorkloads.Names.Length, update.Workloads.Count);
                Assert.All(update.Workloads, workload => IsTold(workload, gone.Contains(NameOf(workload))));
                break;
        }

        if (gone.Length == 0)
        {
            Assert.Equal(_workloads, after);
            Assert.Equal(fault.LeavesTrouble, update.Troubles.Count > 0);
            if (!fault.LeavesTrouble)
            {
                await HostState.NothingIsLeftAsync(Guest);
            }
        }

        return gone;
    }

    private void IsNamed(NvwaUpdate update, string name)
    {
        string known = name == KeptWorkloads.TickerName ? _workloads!.Ticker.ToString(CultureInfo.InvariantCulture) : name;
        Assert.Contains([update.Reason ?? "", .. update.Restarted, .. update.Troubles], words => words.Contains(known, StringComparison.Ordinal));
    }

    private static void IsTold(NvwaWorkload workload, bool isGone)
    {
        if (isGone)
        {
            Assert.Equal(workload.Kind == "service" ? "coldStarted" : "lost", workload.Step);
            Assert.False(string.IsNullOrEmpty(workload.Reason), $"{workload.Name}: no reason");
            Assert.False(string.IsNullOrEmpty(workload.Log), $"{workload.Name}: no log");
        }
        else
        {
            Assert.Equal(("restored", (int?)workload.PidBefore), (workload.Step, workload.PidAfter));
        }
    }

    private static string NameOf(NvwaWorkload workload) => workload.Kind == "service" ? workload.Name : KeptWorkloads.TickerName;

    /// <summary>The cause goes, and what was lost begins anew: the next fault finds a host with everything on it.</summary>
    private async Task CleanUpAsync(FaultCase fault, IReadOnlyList<string> gone)
    {
        _ = await Guest.OutputOfAsync(fault.After, SettleTimeout);
        if (gone.Count == 0)
        {
            return;
        }

        _forgiven.UnionWith(gone.Select(_watch!.PeerOf));
        await LookAsync();
    }

    private async Task LookAsync()
    {
        await DisposeAsync();
        await KeptWorkloads.StartAsync(Guest);
        await Guest.WaitUntilAsync("systemctl is-system-running", SettleTimeout);
        _workloads = await KeptWorkloads.ReadAsync(Guest);
        _watch = await OutsideWatch.StartAsync(Guest.Network);
        await _watch.AnsweredAsync(10, AnswerTimeout);
    }

    // What the lab's own end sends when it closes is no refusal of the guest's.
    private bool IsForgiven(Refusal refusal) =>
        IPEndPoint.TryParse(refusal.Source, out IPEndPoint? source) && IPEndPoint.TryParse(refusal.Destination, out IPEndPoint? peer)
        && (!IsGuest(source.Address) || _forgiven.Contains(peer));

    private static bool IsGuest(IPAddress address) => address.Equals(LabNetwork.GuestAddress) || address.Equals(LabNetwork.GuestAddressV6);
}
