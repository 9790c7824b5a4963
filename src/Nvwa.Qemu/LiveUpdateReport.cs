namespace Nvwa.Qemu;

/// <summary>How a machine came to another QEMU. All moments are QEMU's own, but for <see cref="Answered"/>.</summary>
/// <param name="Mode">How.</param>
/// <param name="Version">Of the QEMU that has it now.</param>
/// <param name="Stopped">When its virtual CPUs stopped; null if they did not run.</param>
/// <param name="Saved">When its state was written.</param>
/// <param name="Answered">When the new QEMU spoke.</param>
/// <param name="Loaded">When the state was read.</param>
/// <param name="Resumed">When its virtual CPUs ran again; null if they had not run.</param>
/// <param name="Setbacks">What failed on the way, and did not keep it.</param>
public sealed record LiveUpdateReport(
    MigrationMode Mode,
    QmpVersion Version,
    DateTimeOffset? Stopped,
    DateTimeOffset Saved,
    DateTimeOffset Answered,
    DateTimeOffset Loaded,
    DateTimeOffset? Resumed,
    IReadOnlyList<string> Setbacks)
{
    /// <summary>How long virtual CPUs stood still; null if they had not run.</summary>
    public TimeSpan? Blackout => Resumed - Stopped;
}
