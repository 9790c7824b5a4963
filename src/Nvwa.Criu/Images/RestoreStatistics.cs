namespace Nvwa.Criu.Images;

/// <summary>What a restore took. Times are CRIU's own, with the resolution of microseconds.</summary>
/// <param name="Forking">Making the processes.</param>
/// <param name="Restore">The whole, until they were ready to run.</param>
/// <param name="PagesCompared">Pages compared with the parent's, to share them.</param>
/// <param name="PagesShared">Pages found equal and shared.</param>
/// <param name="PagesRestored">Pages filled from the images.</param>
public sealed record RestoreStatistics(
    TimeSpan Forking,
    TimeSpan Restore,
    ulong PagesCompared,
    ulong PagesShared,
    ulong PagesRestored);
