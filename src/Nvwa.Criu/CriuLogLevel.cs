namespace Nvwa.Criu;

/// <summary>How much CRIU writes to its log; its own numbers.</summary>
public enum CriuLogLevel
{
    /// <summary>Nothing but messages meant for the user.</summary>
    Message = 0,
    Error = 1,
    Warning = 2,

    /// <summary>What it does, step by step, with times. Enough to see where it stood.</summary>
    Info = 3,

    /// <summary>Everything. Large: megabytes for a big process.</summary>
    Debug = 4,
}
