namespace Nvwa.Lab;

/// <summary>The two kernels that every image has.</summary>
public enum LabKernel
{
    None = 0,

    /// <summary>The distribution's own.</summary>
    Old,

    /// <summary>The newer one, from backports.</summary>
    New,
}
