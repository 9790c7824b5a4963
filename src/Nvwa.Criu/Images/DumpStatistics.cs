namespace Nvwa.Criu.Images;

/// <summary>What a dump took. Times are CRIU's own, with the resolution of microseconds.</summary>
/// <param name="Freezing">Until all processes stood still.</param>
/// <param name="Frozen">How long they stood still.</param>
/// <param name="MemoryDump">Finding and taking the pages.</param>
/// <param name="MemoryWrite">Writing them.</param>
/// <param name="PagesScanned">Pages looked at.</param>
/// <param name="PagesSkipped">Pages that the parent image already had.</param>
/// <param name="PagesWritten">Pages written.</param>
/// <param name="PagesLazy">Pages left to be asked for.</param>
public sealed record DumpStatistics(
    TimeSpan Freezing,
    TimeSpan Frozen,
    TimeSpan MemoryDump,
    TimeSpan MemoryWrite,
    ulong PagesScanned,
    ulong PagesSkipped,
    ulong PagesWritten,
    ulong PagesLazy);
