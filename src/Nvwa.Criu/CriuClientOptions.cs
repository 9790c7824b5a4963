namespace Nvwa.Criu;

/// <summary>How a <see cref="CriuClient"/> behaves.</summary>
public sealed record CriuClientOptions
{
    /// <summary>Gets the clock of the deadlines.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Gets how long version and feature questions may take. CRIU probes the kernel on its first feature check after a
    /// boot, which takes seconds on a slow machine.
    /// </summary>
    public TimeSpan QueryDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Gets the largest packet taken from CRIU, in bytes. CRIU's own replies stay below 2 KiB: its error text is cut at
    /// 1 KiB.
    /// </summary>
    public int MaximumReplyLength { get; init; } = 64 * 1024;
}
