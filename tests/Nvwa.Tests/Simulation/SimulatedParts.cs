namespace Nvwa.Tests.Simulation;

/// <summary>The process that took the step has ended, or its machine.</summary>
internal sealed class EndedException : Exception;

/// <summary>A process of nvwa's own.</summary>
internal sealed class SimulatedProcess(string name)
{
    private readonly CancellationTokenSource _terminated = new();

    public string Name => name;

    public bool HasEnded { get; private set; }

    public CancellationToken Terminated => _terminated.Token;

    public TaskCompletionSource<int?> Exit { get; } = new();

    public int HangUps { get; set; }

    public TaskCompletionSource HangUp { get; set; } = new();

    public void End(int? exitCode)
    {
        HasEnded = true;
        Exit.TrySetResult(exitCode);
    }

    public void Terminate() => _terminated.Cancel();
}

/// <summary>A workload that runs, or is frozen.</summary>
/// <param name="workload">Its name.</param>
/// <param name="isOriginal">Neither restored nor started cold.</param>
internal sealed class Life(string workload, bool isOriginal)
{
    public string Workload => workload;

    public bool IsOriginal => isOriginal;

    public bool IsRestored { get; init; }

    public bool IsFrozen { get; set; }

    public bool IsBeingDumped { get; set; }

    /// <summary>The last dump of it from which nobody has lived on yet.</summary>
    public Snapshot? Dumped { get; set; }
}

internal enum UnitState
{
    Inactive,
    Activating,
    Active,
    Failed,
}

internal sealed class SimulatedUnit(string name)
{
    public string Name => name;

    public UnitState State { get; set; } = UnitState.Inactive;

    /// <summary>Completes when the start job has ended.</summary>
    public TaskCompletionSource<string>? Starting { get; set; }

    public SimulatedProcess? Main { get; set; }

    public Life? Life { get; set; }
}
