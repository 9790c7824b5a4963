using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>What is left of the package when it goes.</summary>
[Collection(OneGuestAtATime.Name)]
public sealed class Removal(PreparedHost prepared)
{
    private static readonly TimeSpan PurgeTimeout = TimeSpan.FromMinutes(3);

    // The package file and the drop-in were brought by the lab. Scopes are where restored processes live: they go with these.
    private const string Remains =
        $"""
        rm -rf /root/nvwa.deb {FaultSeam.DeviceDirectory}
        find / -xdev -iname '*nvwa*' -not -path '/proc/*'
        find /run -iname '*nvwa*' -not -path '/run/udev/*' -not -path '/run/systemd/units/*' -not -path '/run/systemd/transient/nvwa-[0-9]*.scope*'
        systemctl list-unit-files --no-legend 'nvwa*' | grep -v '^nvwa-[0-9]*.scope'
        systemctl list-units --all --plain --no-legend 'nvwa*' | grep -v '^nvwa-[0-9]*.scope'
        nft list tables | grep nvwa
        systemctl list-units --failed --plain --no-legend
        true
        """;

    [Fact]
    public Task A_purged_package_leaves_nothing_and_nobody_notices() => prepared.RunAsync("removal", async host =>
    {
        await LeavesNothingAsync(host.Guest);
        Assert.Equal(prepared.Workloads, await KeptWorkloads.ReadAsync(host.Guest));
    });

    internal static async Task LeavesNothingAsync(LabGuest guest)
    {
        _ = await guest.OutputOfAsync("apt-get purge -qy nvwa 2>&1", PurgeTimeout);
        Assert.Equal("", await guest.OutputOfAsync(Remains));
    }
}
