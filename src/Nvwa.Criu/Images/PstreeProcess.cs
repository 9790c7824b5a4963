namespace Nvwa.Criu.Images;

/// <summary>A process of a saved tree, by the numbers it had in its own PID namespace.</summary>
/// <param name="Pid">The process.</param>
/// <param name="ParentPid">Its parent in the tree, 0 for the root.</param>
/// <param name="ProcessGroup">Its process group; 0 when the group is outside of its PID namespace.</param>
/// <param name="Session">Its session; 0 when that is outside of its PID namespace.</param>
/// <param name="Threads">Its threads, the main one included; none for a zombie of old images.</param>
public sealed record PstreeProcess(
    int Pid,
    int ParentPid,
    int ProcessGroup,
    int Session,
    IReadOnlyList<int> Threads);
