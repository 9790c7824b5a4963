using Nvwa.Core.Faults;

namespace Nvwa.Hosts;

/// <summary>Which faults are to come, and how this machine ends.</summary>
internal interface IFaults
{
    /// <summary>Whether this fault is to happen now; each happens once.</summary>
    /// <param name="fault">The one that could.</param>
    /// <param name="workload">To what it would happen; null for what concerns none.</param>
    bool Take(Fault fault, string? workload = null);

    /// <summary>nvwa ends as by SIGKILL. Does not return.</summary>
    void Crash(Fault fault);

    /// <summary>The machine loses its power. Does not return.</summary>
    void CutPower(Fault fault);
}
