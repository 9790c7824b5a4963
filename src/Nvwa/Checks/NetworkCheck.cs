using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>With <c>restore_net</c>: whether the network configuration can be read, and what of it stays behind.</summary>
internal sealed class NetworkCheck : IHostCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Name => "network";

    public IEnumerable<CheckResult> Run(HostFacts host) => host.Restore.RestoreNet ? Look() : [];

    private IEnumerable<CheckResult> Look()
    {
        NetworkConfiguration network;
        int length;
        try
        {
            using var deadline = new CancellationTokenSource(Patience);
            network = NetworkConfiguration.ReadAsync(TimeProvider.System, deadline.Token).GetAwaiter().GetResult();
            length = network.ToBytes().Length;
        }
        catch (Exception unreadable) when (unreadable is LinuxException or InvalidDataException)
        {
            return
            [
                CheckResult.Refuse(
                    Name, "restore_net", $"the network configuration cannot be kept: {unreadable.Message}",
                    "'restore_net: false' leaves the network to the host's own configuration"),
            ];
        }

        return network.LeftOut.Count == 0
            ? [CheckResult.Pass(Name, "restore_net", $"{length >> 10} KiB of network configuration will be applied before network managers start")]
            : network.LeftOut.Select(left => CheckResult.Warn(Name, "restore_net", $"{left}, and is not made again: its configuration is applied if it is there before network managers start"));
    }
}
