namespace Nvwa.Core.Planning;

/// <summary>What decides whether an active unit is stopped before the save.</summary>
/// <param name="Name">The unit's canonical name.</param>
/// <param name="Needs">Units it depends on: Requires=, Requisite=, BindsTo=, PartOf=, StopPropagatedFrom=, the units that trigger it, and what it wants if it is no target.</param>
/// <param name="Before">Units it is ordered before.</param>
/// <param name="DefaultDependencies">False for units of early boot.</param>
public sealed record UnitFacts(
    string Name,
    IReadOnlyList<string> Needs,
    IReadOnlyList<string> Before,
    bool DefaultDependencies);

/// <summary>
/// What is stopped in Quiesce: active units minus kept ones, minus what those depend on (stopping it would take them
/// along), minus what the host stands on: network and firewall (stopping them drops addresses and flushes rules), bus,
/// journald, udevd, logins, nvwa itself and whoever asked for the update.
/// </summary>
public static class StopList
{
    private static readonly string[] Stoppable = [".service", ".socket", ".timer", ".path"];

    // The ways into the host: an operator who is logged in wants to read why an update was rolled back.
    private static readonly string[] Logins = ["ssh", "sshd", "sshd-unix-local", "sshd-vsock", "getty@", "serial-getty@", "console-getty", "user@", "user-runtime-dir@"];

    private static readonly string[] Foundations = ["systemd-", "dbus", "nvwa"];

    /// <param name="active">The active units of the host.</param>
    /// <param name="kept">The kept units.</param>
    /// <param name="caller">The unit of the process that asked, which waits for the answer; null if none.</param>
    /// <returns>Names in the order given; systemd itself orders the stops.</returns>
    public static IReadOnlyList<string> Compute(IReadOnlyList<UnitFacts> active, IReadOnlyCollection<string> kept, string? caller)
    {
        HashSet<string> needed = Closure(active, kept);
        return
        [
            .. active
                .Where(unit => Stoppable.Any(suffix => unit.Name.EndsWith(suffix, StringComparison.Ordinal)))
                .Where(unit => unit.Name != caller && !needed.Contains(unit.Name) && !IsInfrastructure(unit))
                .Select(unit => unit.Name),
        ];
    }

    private static HashSet<string> Closure(IReadOnlyList<UnitFacts> active, IReadOnlyCollection<string> kept)
    {
        var byName = active.ToDictionary(unit => unit.Name, StringComparer.Ordinal);
        var reached = new HashSet<string>(kept, StringComparer.Ordinal);
        var queue = new Queue<string>(kept);
        while (queue.TryDequeue(out string? name))
        {
            foreach (string need in byName.TryGetValue(name, out UnitFacts? unit) ? unit.Needs : [])
            {
                if (reached.Add(need))
                {
                    queue.Enqueue(need);
                }
            }
        }

        return reached;
    }

    private static bool IsInfrastructure(UnitFacts unit) =>
        !unit.DefaultDependencies
        || unit.Before.Any(other => other is "network.target" or "network-pre.target")
        || Foundations.Any(prefix => unit.Name.StartsWith(prefix, StringComparison.Ordinal))
        || Logins.Any(login => login.EndsWith('@')
            ? unit.Name.StartsWith(login, StringComparison.Ordinal)
            : unit.Name.StartsWith(login + ".", StringComparison.Ordinal) || unit.Name.StartsWith(login + "@", StringComparison.Ordinal));
}
