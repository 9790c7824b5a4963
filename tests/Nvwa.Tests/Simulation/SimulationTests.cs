using System.Globalization;
using Nvwa.Core.Faults;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Xunit.Abstractions;

namespace Nvwa.Tests.Simulation;

/// <summary>
/// The whole update, thousands of times, with everything that can fail failing at every place where it can. A seed that ends
/// in a state that the documents do not allow is printed with its history, and NVWA_SIMULATION_SEED replays it.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 10_000;
    private const string Id = "20261121T093000Z";
    private const string NextId = "20261121T094500Z";

#pragma warning disable RS0030 // The one setting of this test.
    private static readonly string? Replayed = Environment.GetEnvironmentVariable("NVWA_SIMULATION_SEED");
#pragma warning restore RS0030

    [Fact]
    public void Whatever_fails_and_whenever_the_host_ends_in_a_state_that_it_names()
    {
        int[] seeds = Replayed is { Length: > 0 } seed ? [int.Parse(seed, CultureInfo.InvariantCulture)] : [.. Enumerable.Range(1, Seeds)];
        var ends = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (int one in seeds)
        {
            (string end, IReadOnlyList<string> wrong, SimulatedMachine machine, string plan) = Run(one);
            ends[end] = ends.GetValueOrDefault(end) + 1;
            if (wrong.Count > 0 || Replayed is { Length: > 0 })
            {
                output.WriteLine($"seed {one}: {plan}");
                output.WriteLine(string.Join('\n', machine.History));
                Assert.True(wrong.Count == 0, $"seed {one} ({plan}): {string.Join("; ", wrong)}; NVWA_SIMULATION_SEED={one} replays it");
            }
        }

        output.WriteLine(string.Join('\n', ends.Select(end => $"{end.Value,6} {end.Key}")));
        // A simulation in which nothing fails, or nothing ends well, proves nothing.
        Assert.True(seeds.Length == 1 || ends.Keys.Select(end => end.Split(' ')[0]).Intersect(["Updated", "Degraded", "RolledBack", "Interrupted"]).Count() == 4);
    }

    /// <summary>A virtual machine that sleeps can go on from its state only: the next try has to find it.</summary>
    [Fact]
    public void What_could_not_be_thawed_keeps_its_images_until_it_is()
    {
        const int EachTry = 3;
        var plan = new Plan();
        plan.Faults.AddRange([(Fault.SyncFails, null), .. Enumerable.Repeat((Fault.ThawFails, (string?)null), EachTry)]);
        var machine = new SimulatedMachine(new Random(1), plan);
        machine.Boot("old");
        machine.Time.Run();
        machine.StartProcesses();
        machine.RequestUpdate(Id);
        machine.Time.Run();
        Assert.True(machine.Disk.Read()!.IsOpen);
        Assert.Equal([SimulatedMachine.Kept[0].Name], WithImages());

        machine.Kill(machine.Daemon);
        machine.Time.Run();

        Assert.Equal(Outcome.RolledBack, machine.Disk.Read()!.Outcome);
        Assert.Empty(WithImages());
        Assert.Empty(machine.Violations);

        IEnumerable<string> WithImages() => SimulatedMachine.Kept.Select(workload => workload.Name).Where(name => machine.Disk.Images(name) is not null);
    }

    private static (string End, IReadOnlyList<string> Wrong, SimulatedMachine Machine, string Plan) Run(int seed)
    {
        var random = new Random(seed);
        var plan = Plan.Of(random, [.. SimulatedMachine.Kept.Select(workload => workload.Name)]);
        string told = $"{plan}";
        var machine = new SimulatedMachine(random, plan);
        machine.Boot("old");
        machine.Time.Run();
        machine.StartProcesses();
        Fault? only = plan.HasOneFault ? plan.Faults[0].Fault : null;
        Life?[] lives = [.. SimulatedMachine.Kept.Select(machine.LifeOf)];
        machine.RequestUpdate(Id);
        machine.Time.Run();
        var wrong = new List<string>(machine.Violations);
        string end = Judge(machine, lives, wrong);
        if (only is { } fault && plan.Faults.Count == 0 && machine.Disk.Read()?.Outcome != OutcomeOf(fault))
        {
            wrong.Add($"{fault} alone ends in {machine.Disk.Read()?.Outcome}, not {OutcomeOf(fault)}");
        }

        if (wrong.Count == 0)
        {
            machine.Trace("-- the next update");
            plan.Clear();
            machine.StartProcesses();
            machine.RequestUpdate(NextId);
            machine.Time.Run();
            wrong.AddRange(machine.Violations);
            if (machine.Disk.Read(NextId)?.Outcome != Outcome.Updated)
            {
                wrong.Add($"the next update ended {machine.Disk.Read(NextId)?.Outcome.ToString() ?? "refused"}");
            }
        }

        return (end, wrong, machine, told);
    }

    /// <summary>One of the states of docs/failures.md, and what the journal says is so.</summary>
    private static string Judge(SimulatedMachine machine, Life?[] before, List<string> wrong)
    {
        UpdateState? state = machine.Disk.Read();
        bool begun = state is not null;
        if (state is { IsOpen: true })
        {
            wrong.Add("the update is still open");
        }

        foreach (Workload workload in SimulatedMachine.Kept)
        {
            JudgeOne(machine, workload, before[SimulatedMachine.Kept.IndexOf(workload)], state, wrong);
        }

        Expect(machine.LoadedKernel is null || begun, "a kernel is loaded");
        Expect(machine.LoadedKernel is null || state?.Outcome != Outcome.RolledBack, "the new kernel is still loaded");
        Expect(machine.Generated.Count == 0, "drop-ins are left");
        Expect(!machine.Disk.IsInPlace, "the journal is not in the history");
        Expect(machine.Disk.Network is null, "the saved network configuration is left");
        bool asSaved = machine.Network == SimulatedMachine.Configured;
        Expect(state?.Outcome != Outcome.Updated || machine.ClosedIn != machine.BootId || asSaved == machine.Plan.RestoresNetwork, $"the network is {machine.Network}");
        Expect(state?.Network is not { Step: NetworkStep.NotRestored } told || (state.Outcome == Outcome.Degraded && !string.IsNullOrEmpty(told.Reason)), "the network was not restored, and the outcome does not say so");
        Expect(machine.Locks.Count == 0, "packets are still dropped");
        foreach (string unit in SimulatedMachine.Others)
        {
            Expect(machine.Unit(unit).State == UnitState.Active, $"{unit} is {machine.Unit(unit).State}");
        }

        foreach (Snapshot snapshot in machine.Snapshots)
        {
            Expect(snapshot.Lives <= 1, $"{snapshot} was lived {snapshot.Lives} times");
        }

        Outcome outcome = state?.Outcome ?? Outcome.None;
        string[] fates = [.. SimulatedMachine.Kept.Select(workload => $"{Fate(machine.LifeOf(workload))}").Order(StringComparer.Ordinal)];
        return $"{outcome} ({string.Join(", ", fates)})";

        void Expect(bool holds, string otherwise)
        {
            if (!holds)
            {
                wrong.Add(otherwise);
            }
        }
    }

    private static void JudgeOne(
        SimulatedMachine machine, Workload workload, Life? before, UpdateState? state, List<string> wrong)
    {
        WorkloadState? told = state?.Find(workload.Name);
        Life? life = machine.LifeOf(workload);
        bool service = workload.Kind == WorkloadKind.Service;
        if (life is { IsFrozen: true })
        {
            wrong.Add($"{workload.Name} is frozen");
        }

        if (life is null && service && state is not null)
        {
            wrong.Add($"{workload.Name} does not run");
        }

        // What happens to the machine after the update's end is none of the update's business; nor is a workload that was
        // restored, and ended by itself after the last look at it: it was kept, and systemd has started the service again.
        bool endedLate = machine.Dead == workload.Unit && told?.Step == WorkloadStep.Restored;
        switch (endedLate ? Outcome.None : machine.ClosedIn == machine.BootId ? state?.Outcome : Outcome.None)
        {
            case Outcome.RolledBack when life != before:
                wrong.Add($"{workload.Name} should run as before");
                break;
            case Outcome.Updated when life is not { IsRestored: true }:
                wrong.Add($"{workload.Name} should be restored");
                break;
            case Outcome.Degraded or Outcome.Interrupted when life is not { IsRestored: true } && told is not null:
                if (told.Step != (service ? WorkloadStep.ColdStarted : WorkloadStep.Lost) || string.IsNullOrEmpty(told.Reason))
                {
                    wrong.Add($"{workload.Name} was not kept, and the journal says {told.Step} ({told.Reason})");
                }

                break;
            case Outcome.Degraded when life is { IsRestored: true } && told?.Step != WorkloadStep.Restored:
                wrong.Add($"{workload.Name} runs, and the journal says {told?.Step}");
                break;
            default:
                break;
        }
    }

    /// <summary>The table of docs/failures.md: what one fault, and nothing else, must end in.</summary>
    private static Outcome OutcomeOf(Fault fault) => fault switch
    {
        Fault.LoadPowerCut or Fault.PreparePowerCut or Fault.QuiescePowerCut or Fault.SavePowerCut => Outcome.Interrupted,
        Fault.SwitchPowerCut or Fault.RestoreCrash or Fault.PidTaken or Fault.AddressMissing or Fault.RestoredNotWritten
            or Fault.ConfirmCrash or Fault.ImagesNotRemoved or Fault.ClosingNotWritten or Fault.StartFails => Outcome.Updated,
        Fault.RestorePowerCut or Fault.ResumingCrash or Fault.ResumingPowerCut or Fault.LockNotHeld or Fault.ImagesUnreadable
            or Fault.RestoreFails or Fault.ResumingNotWritten or Fault.ConfirmPowerCut or Fault.NetworkFails or Fault.NetworkCrash or Fault.NetworkPowerCut => Outcome.Degraded,
        _ => Outcome.RolledBack,
    };

    private static string Fate(Life? life) => life switch
    {
        null => "gone",
        { IsRestored: true } => "restored",
        { IsOriginal: true } => "original",
        _ => "cold",
    };
}
