namespace Nvwa.Linux;

/// <summary>Which signals from a terminal, and which kill of a group, reach a child.</summary>
public enum SpawnFamily
{
    /// <summary>The process group and session of this process.</summary>
    Ours,

    /// <summary>A process group of its own, led by the child.</summary>
    OwnGroup,

    /// <summary>A session of its own, led by the child.</summary>
    OwnSession,
}
