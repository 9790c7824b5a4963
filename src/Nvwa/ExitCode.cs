namespace Nvwa;

/// <summary>What <c>nvwa</c> tells the shell (nvwa(8), "EXIT STATUS").</summary>
internal enum ExitCode
{
    Done = 0,

    /// <summary>It failed, and everything runs as before.</summary>
    Failed = 1,

    /// <summary>Wrong usage or configuration; nothing was touched.</summary>
    Usage = 2,

    /// <summary>A check says no; nothing was touched.</summary>
    Refused = 3,

    /// <summary>On the new kernel, but not everything was restored.</summary>
    Degraded = 4,
}
