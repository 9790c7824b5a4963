namespace Nvwa.Linux;

/// <summary>
/// The order in which jobs are handed to the manager. It orders jobs among those that it knows when it looks, and it may
/// look between two calls: a unit must therefore be handed over after all that its job has to wait for.
/// </summary>
internal static class SystemdOrder
{
    /// <summary>Each unit after those it is ordered after. A cycle is cut at its unit that is named last.</summary>
    /// <param name="units">Canonical names.</param>
    /// <param name="after">The property After of each; names that are not in <paramref name="units"/> do not matter.</param>
    public static IReadOnlyList<string> ForStart(
        IReadOnlyCollection<string> units, IReadOnlyDictionary<string, IReadOnlyList<string>> after)
    {
        HashSet<string> waiting = [.. units];
        List<string> ordered = new(units.Count);
        foreach (string unit in units)
        {
            Visit(unit);
        }

        return ordered;

        void Visit(string unit)
        {
            if (!waiting.Remove(unit))
            {
                return;
            }

            foreach (string earlier in after.GetValueOrDefault(unit, []))
            {
                Visit(earlier);
            }

            ordered.Add(unit);
        }
    }

    /// <summary>Stopping goes the other way round.</summary>
    public static IReadOnlyList<string> ForStop(
        IReadOnlyCollection<string> units, IReadOnlyDictionary<string, IReadOnlyList<string>> after) =>
        [.. ForStart(units, after).Reverse()];
}
