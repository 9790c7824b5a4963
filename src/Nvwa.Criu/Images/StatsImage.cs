using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary>
/// <c>stats-dump</c> and <c>stats-restore</c>, which CRIU writes into the work directory after it succeeded (the
/// restore's also when the client refused it at <see cref="CriuScript.PostRestore"/>).
/// </summary>
public sealed record StatsImage
{
    /// <summary>The name of a dump's file within the work directory.</summary>
    public const string DumpFileName = "stats-dump";

    /// <summary>The name of a restore's file within the work directory.</summary>
    public const string RestoreFileName = "stats-restore";

    private const int MaximumLength = 64 * 1024;

    private StatsImage(StatsEntry entry)
    {
        Dump = entry.Dump is null ? null : Of(entry.Dump);
        Restore = entry.Restore is null ? null : Of(entry.Restore);
    }

    /// <summary>Gets what the dump took, null in a restore's file.</summary>
    public DumpStatistics? Dump { get; }

    /// <summary>Gets what the restore took, null in a dump's file.</summary>
    public RestoreStatistics? Restore { get; }

    /// <exception cref="ImageFormatException">The file is not one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static StatsImage Read(string path) => Parse(ImageFile.ReadBounded(path, MaximumLength), path);

    /// <param name="content">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="ImageFormatException">The content is not one.</exception>
    public static StatsImage Parse(ReadOnlySpan<byte> content, string name) => new(ImageFile.Single(
        name,
        ImageFile.Parse(name, content, [ImageFile.ServiceHead, ImageFile.StatsMagic], StatsEntry.Parser)));

    private static DumpStatistics Of(DumpStatsEntry entry) => new(
        TimeSpan.FromMicroseconds(entry.FreezingTime),
        TimeSpan.FromMicroseconds(entry.FrozenTime),
        TimeSpan.FromMicroseconds(entry.MemdumpTime),
        TimeSpan.FromMicroseconds(entry.MemwriteTime),
        entry.PagesScanned,
        entry.PagesSkippedParent,
        entry.PagesWritten,
        entry.PagesLazy);

    private static RestoreStatistics Of(RestoreStatsEntry entry) => new(
        TimeSpan.FromMicroseconds(entry.ForkingTime),
        TimeSpan.FromMicroseconds(entry.RestoreTime),
        entry.PagesCompared,
        entry.PagesSkippedCow,
        entry.PagesRestored);
}
