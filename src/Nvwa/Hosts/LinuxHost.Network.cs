using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Hosts;

/// <summary>The network's configuration: from one kernel to the other.</summary>
internal sealed partial class LinuxHost
{
    /// <summary>Drivers find their devices within seconds; the rest of the boot waits for this.</summary>
    private static readonly TimeSpan LinkPatience = TimeSpan.FromSeconds(30);

    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly NetworkFile _network = new(UpdateJournal.Directory);
    private readonly Networkd _networkd = new("/");
    private readonly ManagerFiles _managers = new("/");

    public IReadOnlyList<KeptAddress> Addresses()
    {
        long now = Now().Realtime;
        return
        [
            .. LocalAddresses.OfLinks().Select(address => new KeptAddress(
                $"{address.Address}", address.PrefixLength, address.Link, now + (address.Seconds * NanosecondsPerSecond))),
        ];
    }

    public async Task<SavedNetwork> SaveNetworkAsync(CancellationToken cancellation)
    {
        NetworkConfiguration network = await NetworkConfiguration.ReadAsync(TimeProvider.System, cancellation);
        network = network.With(_managers.Read(network.Links));
        byte[] content = network.ToBytes();
        return new SavedNetwork(content.Length, _network.Write(content), network.LeftOut);
    }

    public async Task<IReadOnlyList<string>> RestoreNetworkAsync(NetworkState network, CancellationToken cancellation)
    {
        var saved = NetworkConfiguration.Parse(_network.Read(network));
        IReadOnlyList<string> notes = await saved.ApplyAsync(LinkPatience, TimeProvider.System, cancellation);
        notes = [.. notes, .. _managers.Write(saved.Managers)];
        try
        {
            _networkd.KeepForeign();
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            return [.. notes, $"systemd-networkd cannot be told to leave it as it is: {failed.Message}"];
        }

        return notes;
    }

    public void ForgetNetwork()
    {
        _network.Remove();
        _networkd.ForgetForeign();
    }
}
