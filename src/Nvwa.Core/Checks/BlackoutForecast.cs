using Nvwa.Core.Journal;

namespace Nvwa.Core.Checks;

/// <summary>
/// How long the next blackout will be, by what the last one took on this host: the parts that go with memory (dump,
/// restore) in proportion to it, the others as they were.
/// </summary>
/// <param name="Milliseconds">Of the workload that waits longest.</param>
/// <param name="UpdateId">The update that was measured.</param>
/// <param name="MeasuredBytes">What its images had, of the workload that the proportion is taken from.</param>
public sealed record BlackoutForecast(long Milliseconds, string UpdateId, long MeasuredBytes)
{
    private static readonly string[] PartsOfMemory = ["dump", "restore"];

    /// <param name="last">The last update.</param>
    /// <param name="bytes">Memory of the largest workload now.</param>
    /// <returns>Null where the last update measured nothing: it was rolled back, or was the first one.</returns>
    public static BlackoutForecast? Of(UpdateState? last, long bytes)
    {
        var measured = last?.Workloads
            .Select(workload => (workload.ImageBytes, Blackout: Blackout.Of(last, workload)))
            .Where(workload => workload is { ImageBytes: > 0, Blackout: not null })
            .OrderBy(workload => workload.ImageBytes)
            .ToList();
        if (measured is not { Count: > 0 })
        {
            return null;
        }

        (long imageBytes, Blackout? blackout) = measured[^1];
        long withMemory = blackout!.Parts.Where(part => PartsOfMemory.Contains(part.Name)).Sum(part => part.Milliseconds);
        long scaled = (long)(withMemory * ((double)bytes / imageBytes));
        return new BlackoutForecast(blackout.Milliseconds - withMemory + scaled, last!.Id, imageBytes);
    }
}
