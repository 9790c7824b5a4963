namespace Nvwa.Linux;

/// <summary>A unit around processes that somebody else started, for as long as one of them lives.</summary>
/// <param name="Name">With <c>.scope</c>.</param>
/// <param name="Pids">At least one, in the manager's own PID namespace.</param>
public sealed record SystemdTransientScope(string Name, IReadOnlyList<int> Pids)
{
    public string? Description { get; init; }

    /// <summary>Null for <c>system.slice</c>.</summary>
    public string? Slice { get; init; }

    /// <summary>
    /// Groups below the scope's own belong to its processes, and only such a scope takes processes later on
    /// (<see cref="SystemdBus.AttachProcesses"/>).
    /// </summary>
    public bool IsDelegated { get; init; }
}
