using Nvwa.Core.Journal;
using Nvwa.Hosts;

namespace Nvwa.Restore;

/// <summary>
/// <c>nvwa network</c>: on the new kernel, makes the network what it was, before any network manager starts.
/// <code>
///   saved -> attempted -> restored
///                |
///                +--> not restored: all that was done is undone, and the network managers do their work
/// </code>
/// Once in each boot. Whatever becomes of it, the boot goes on, and the host is reachable by its own configuration.
/// </summary>
internal sealed class NetworkRestore(IHost host, Action<string> log)
{
    public const string Unit = "nvwa-network.service";

    /// <summary>Another kernel may lack a setting for each of a thousand links.</summary>
    private const int NotesKept = 20;

    /// <param name="cancellation">systemd's patience has ended: what was done is undone.</param>
    public async Task<ExitCode> RunAsync(CancellationToken cancellation)
    {
        UpdateState? state = host.Journal.Read();
        if (state?.Network is not { } network || state.Next(host.BootId) != NextStep.Restore)
        {
            log("network: no update waits to restore it");
            return ExitCode.Usage;
        }

        if (network.IsRestoredIn(host.BootId))
        {
            return ExitCode.Done;
        }

        if (network.Obstacle(host.BootId) is { } obstacle)
        {
            return GiveUp(obstacle);
        }

        host.Journal.Append(new NetworkAttempted(host.BootId, host.Now()));
        IReadOnlyList<string> notes;
        try
        {
            notes = await host.RestoreNetworkAsync(network, cancellation);
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed))
        {
            return GiveUp(failed is OperationCanceledException ? "it took too long" : failed.Message);
        }

        foreach (string note in notes)
        {
            log($"network: {note}");
        }

        string[] more = notes.Count > NotesKept ? [$"and {notes.Count - NotesKept} more; see: journalctl -b -u {Unit}"] : [];
        host.Journal.Append(new NetworkRestored(host.BootId, [.. notes.Take(NotesKept), .. more], host.Now()));
        return ExitCode.Done;
    }

    /// <summary>No failure of the unit: the update tells it, and the host goes on as after any boot.</summary>
    private ExitCode GiveUp(string reason)
    {
        log($"network: it is not restored: {reason}");
        host.Journal.Append(new NetworkNotRestored(host.BootId, reason, host.Now()));
        return ExitCode.Done;
    }
}
