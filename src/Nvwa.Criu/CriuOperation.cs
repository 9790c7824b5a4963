namespace Nvwa.Criu;

/// <summary>What was asked of CRIU.</summary>
public enum CriuOperation
{
    /// <summary>Nothing was asked.</summary>
    None = 0,

    /// <summary>Which version it is. The connection stays usable.</summary>
    Version = 1,

    /// <summary>Which optional features kernel and CRIU have. The connection stays usable.</summary>
    FeatureCheck = 2,

    /// <summary>Whether it can work on this kernel at all.</summary>
    Check = 3,

    /// <summary>Bring a process tree into image files.</summary>
    Dump = 4,

    /// <summary>Copy memory ahead of a dump.</summary>
    PreDump = 5,

    /// <summary>Bring a process tree back from image files.</summary>
    Restore = 6,
}
