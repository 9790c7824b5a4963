namespace Nvwa.Linux;

/// <summary>A program that has ended.</summary>
/// <param name="ExitCode">Its exit code, or 128 + the signal that ended it, as a shell says it.</param>
/// <param name="Output">Descriptor 1 as UTF-8.</param>
/// <param name="Error">Descriptor 2 as UTF-8.</param>
public sealed record SpawnResult(int ExitCode, string Output, string Error)
{
    /// <summary>One of the two texts was longer than <see cref="SpawnRequest.OutputLimit"/> and is cut.</summary>
    public bool IsCut { get; init; }
}
