using Nvwa.Core.Faults;
using Nvwa.Hosts;

namespace Nvwa.Tests.Simulation;

/// <summary>What will go wrong in one run. All of it follows from the seed.</summary>
internal sealed class Plan
{
    public const int MaxSteps = 250;

    /// <summary>After so many steps, the process that takes the step ends (false) or the machine loses its power (true).</summary>
    public Dictionary<int, bool> Ends { get; } = [];

    public List<(Fault Fault, string? Workload)> Faults { get; } = [];

    public bool HauntCommit { get; set; }

    /// <summary>After so many steps the operator cancels; 0 for never.</summary>
    public int CancelAt { get; set; }

    public bool CriuFailsAfterTheBoundary { get; set; }

    /// <summary>After so many steps a workload that was restored ends by itself; 0 for never.</summary>
    public int DeathAt { get; set; }

    /// <summary>The journal cannot be read at this step; 0 for never.</summary>
    public int UnreadableAt { get; set; }

    /// <summary>restore_net: for both updates.</summary>
    public bool RestoresNetwork { get; init; }

    /// <summary>Nothing but its faults goes wrong.</summary>
    public bool HasOneFault => Faults.Count == 1 && Ends.Count == 0 && CancelAt == 0 && !HauntCommit && !CriuFailsAfterTheBoundary && DeathAt == 0 && UnreadableAt == 0;

    public void Clear()
    {
        Faults.Clear();
        Ends.Clear();
        HauntCommit = CriuFailsAfterTheBoundary = false;
        CancelAt = DeathAt = UnreadableAt = 0;
    }

    public static Plan Of(Random random, IReadOnlyList<string> workloads)
    {
        var plan = new Plan
        {
            HauntCommit = random.Next(40) == 0,
            CancelAt = random.Next(20) == 0 ? random.Next(1, 80) : 0,
            CriuFailsAfterTheBoundary = random.Next(40) == 0,
            DeathAt = random.Next(40) == 0 ? random.Next(120, MaxSteps) : 0,
            UnreadableAt = random.Next(40) == 0 ? random.Next(1, MaxSteps) : 0,
            RestoresNetwork = random.Next(2) == 0,
        };
        Fault[] all = [.. Enum.GetValues<Fault>().Where(fault => fault != Fault.None)];
        for (int count = random.Next(4); count > 0; count--)
        {
            plan.Faults.Add((all[random.Next(all.Length)], random.Next(2) == 0 ? null : workloads[random.Next(workloads.Count)]));
        }

        for (int count = random.Next(3); count > 0; count--)
        {
            plan.Ends[random.Next(1, MaxSteps)] = random.Next(2) == 0;
        }

        return plan;
    }

    public override string ToString() =>
        $"faults [{string.Join(", ", Faults)}], ends [{string.Join(", ", Ends.Select(end => $"{(end.Value ? "power" : "process")}@{end.Key}"))}], cancel at {CancelAt}{(HauntCommit ? ", commit haunted" : "")}{(CriuFailsAfterTheBoundary ? ", CRIU fails after the boundary" : "")}, death at {DeathAt}, unreadable at {UnreadableAt}{(RestoresNetwork ? ", with its network" : "")}";
}

internal sealed class SimulatedFaults(SimulatedMachine machine, SimulatedProcess process) : IFaults
{
    public bool Take(Fault fault, string? workload = null)
    {
        int at = machine.Plan.Faults.FindIndex(planned => planned.Fault == fault && (planned.Workload is null || planned.Workload == workload));
        if (at < 0 || process.HasEnded)
        {
            return false;
        }

        machine.Plan.Faults.RemoveAt(at);
        machine.Trace($"{process.Name}: fault {fault} {workload}");
        return true;
    }

    public void Crash(Fault fault)
    {
        machine.Kill(process);
        throw new EndedException();
    }

    public void CutPower(Fault fault)
    {
        machine.CutPower();
        throw new EndedException();
    }
}
