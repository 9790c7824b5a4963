using System.Text;

namespace Nvwa.Lab.Hosts;

/// <summary>
/// The faults that nvwa can be told to make. <c>NVWA_FAULTS</c> names a file with one a line; each fires once, when its point
/// is reached: its line is removed, the console gets <c>nvwa: fault NAME (NUMBER)</c>, and then
/// <code>
/// PHASECrash       nvwa's process there kills itself
/// PHASEPowerCut    the same words with ": waiting for the power to go" come, and nvwa stands still
/// others           a collaborator fails, or so it seems
/// </code>
/// A name may be followed by a workload's, where there is one for each.
/// </summary>
public static class FaultSeam
{
    private const string FaultsFile = "/root/nvwa-faults";
    // Not named after nvwa: it is no leftover of an update.
    private const string SettingFile = "/etc/systemd/system.conf.d/50-lab-faults.conf";
    private const string Setting = "[Manager]\nDefaultEnvironment=NVWA_FAULTS=" + FaultsFile + "\n";

    private const string DeviceFile = DeviceDirectory + "/50-lab-faults.conf";
    private const string DeviceSetting = "[Service]\nDeviceAllow=/dev/kmsg w\n";
    private const string WaitingWords = "waiting for the power to go";

    /// <summary>
    /// The console is a device, of which this unit has none: the one thing here that has nvwa's name and is not its own. Not
    /// below /etc, where nothing of nvwa is to be left.
    /// </summary>
    public const string DeviceDirectory = "/usr/local/lib/systemd/system/nvwa-network.service.d";

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>For all units from the next boot on.</summary>
    public static async Task InstallAsync(LabGuest guest, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        foreach ((string path, string content) in new[] { (SettingFile, Setting), (DeviceFile, DeviceSetting) })
        {
            _ = await guest.OutputOfAsync($"mkdir -p {Path.GetDirectoryName(path)}", cancellationToken: cancellationToken);
            await PutAsync(guest, path, content, cancellationToken);
        }
    }

    /// <summary>From here on these are waited for, and no others.</summary>
    public static async Task ArmAsync(LabGuest guest, IReadOnlyList<string> faults, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(faults);
        await PutAsync(guest, FaultsFile, string.Concat(faults.Select(fault => fault + "\n")), cancellationToken);
        // It has to outlive a power cut as much as what it is about.
        _ = await guest.OutputOfAsync($"sync {FaultsFile} /root", cancellationToken: cancellationToken);
    }

    /// <summary>What did not fire.</summary>
    public static async Task<string> LeftAsync(LabGuest guest, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        return (await guest.OutputOfAsync($"cat {FaultsFile}", cancellationToken: cancellationToken)).Trim();
    }

    /// <summary>How often this fault fired, as the console has it.</summary>
    public static async Task<int> CountAsync(LabGuest guest, string fault, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        return (await LinesAsync(guest, fault, cancellationToken)).Length;
    }

    /// <summary>Waits until a fault has fired once more than before and nvwa stands still, so that the power can be cut.</summary>
    /// <exception cref="TimeoutException">It did not.</exception>
    public static async Task WaitForStandstillAsync(
        LabGuest guest, string fault, int before, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            while (!(await LinesAsync(guest, fault, deadline.Token)).Skip(before).Any(line => line.Contains(WaitingWords, StringComparison.Ordinal)))
            {
                await Task.Delay(Poll, TimeProvider.System, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{guest.Name}: the fault {fault} did not fire within {timeout.TotalSeconds:0} s");
        }
    }

    private static async Task<string[]> LinesAsync(LabGuest guest, string fault, CancellationToken cancellationToken)
    {
        string console = await guest.ReadSerialLogAsync(cancellationToken);
        // A line that is still being written has no end yet.
        return [.. console.Split('\n').SkipLast(1).Where(line => line.Contains($"nvwa: fault {fault} (", StringComparison.Ordinal))];
    }

    private static async Task PutAsync(LabGuest guest, string path, string content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(Encoding.ASCII.GetBytes(content));
        await guest.PutFileAsync(stream, path, cancellationToken: cancellationToken);
    }
}
