namespace Nvwa.Criu;

/// <summary>
/// Asks whether CRIU can work on this kernel. CRIU before 4.2 insists on an images directory here too (its log goes
/// there); from 4.2 on, without one, the check writes no log.
/// </summary>
public sealed record CheckRequest : CriuRequest
{
    private protected override bool NeedsImages => false;
}
