namespace Nvwa.Linux;

/// <summary>A program to start, and all that it gets from us. What is not named here it does not get.</summary>
/// <param name="File">A path, or a name that is looked up in our PATH.</param>
/// <param name="Arguments">Without the name of the program itself.</param>
public sealed record SpawnRequest(string File, IReadOnlyList<string> Arguments)
{
    /// <summary>The whole environment; null for the one that this process was started with.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Descriptors 0 to 2 that are not given here are <c>/dev/null</c>; any other is closed.</summary>
    public IReadOnlyList<InheritedDescriptor> Inherit { get; init; } = [];

    /// <summary>
    /// What the child reads from descriptor 0: a file in memory, at its start. Not together with an inherited 0.
    /// </summary>
    public ReadOnlyMemory<byte>? Input { get; init; }

    /// <summary>Null for ours. A relative <see cref="File"/> with a slash counts from here.</summary>
    public string? WorkingDirectory { get; init; }

    public SpawnFamily Family { get; init; }

    /// <summary>
    /// Bytes of output, and as many of error text, that <see cref="Spawn.RunAsync"/> keeps; it drops what follows.
    /// </summary>
    public int OutputLimit { get; init; } = 4 * 1024 * 1024;
}
