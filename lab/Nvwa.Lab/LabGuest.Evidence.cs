using Nvwa.Qemu;

namespace Nvwa.Lab;

public sealed partial class LabGuest
{
    private const string GuestArchive = "/run/nvwa-lab-evidence.tar.gz";

    // All that the guest can say about an update: journals of both kernels, nvwa's state, CRIU's logs (images stay out).
    private const string CollectCommand =
        """
        cd / && journalctl --sync; rm -rf /run/nvwa-lab-evidence && mkdir /run/nvwa-lab-evidence
        journalctl --no-pager --merge --output=short-precise > /run/nvwa-lab-evidence/journal.txt
        systemctl list-units --all --no-pager > /run/nvwa-lab-evidence/units.txt
        ps -eLo pid,tid,ppid,stat,wchan:32,cgroup:60,args > /run/nvwa-lab-evidence/processes.txt
        find var/nvwa/running -name '*.log' -print0 2>/dev/null > /run/nvwa-lab-evidence.list
        find var/lib/nvwa -type f -size -16M -print0 2>/dev/null >> /run/nvwa-lab-evidence.list
        tar -czf /run/nvwa-lab-evidence.tar.gz --null --files-from=/run/nvwa-lab-evidence.list -C /run nvwa-lab-evidence
        """;

    private static readonly TimeSpan CollectTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LastAnswerTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Runs a scenario; when it fails, what the guest leaves is kept under <c>artifacts/lab/NAME</c> first.</summary>
    public async Task KeepingEvidenceAsync(Func<Task> scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        try
        {
            await scenario();
        }
        catch
        {
            _ = await KeepEvidenceAsync();
            throw;
        }
    }

    /// <summary>
    /// Keeps console, QEMU's log, capture, and what the guest can still tell: a dead guest's disk is kept whole instead.
    /// </summary>
    /// <returns>The directory.</returns>
    public async Task<string> KeepEvidenceAsync()
    {
        string target = LabPaths.Evidence(Name);
        _ = Directory.CreateDirectory(target);
        foreach (string source in (string[])[_directory.SerialLog, _directory.QemuLog, _directory.Pcap])
        {
            if (File.Exists(source))
            {
                File.Copy(source, Path.Combine(target, Path.GetFileName(source)), overwrite: true);
            }
        }

        if (!await TryCollectAsync(Path.Combine(target, "guest.tar.gz")))
        {
            await EndQemuAsync();
            _disk.CopyTo(target);
        }

        return target;
    }

    private async Task<bool> TryCollectAsync(string archive)
    {
        if (!IsOn)
        {
            return false;
        }

        try
        {
            await _agent.SyncAsync(LastAnswerTimeout);
            _ = await OutputOfAsync(CollectCommand, CollectTimeout);
            await GetFileAsync(GuestArchive, archive);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or QmpException or QmpTransportException or LabException)
        {
            await File.WriteAllTextAsync(archive + ".failed", e.ToString());
            return false;
        }
    }
}
