namespace Nvwa.Linux;

/// <summary>A process as /proc shows it at one moment: see proc(5).</summary>
public sealed record ProcessInfo
{
    public required int Pid { get; init; }

    public required int ParentPid { get; init; }

    public required int ProcessGroup { get; init; }

    public required int Session { get; init; }

    /// <summary>R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, I idle, X dead.</summary>
    public required char State { get; init; }

    /// <summary>
    /// Clock ticks after boot at which it began: with the PID, and within one boot, the process's identity.
    /// </summary>
    public required long StartTicks { get; init; }

    /// <summary>At most 15 bytes, and any bytes at all.</summary>
    public required string Comm { get; init; }

    /// <summary>
    /// The program's path, with <c> (deleted)</c> after one that is gone; null for kernel threads and zombies.
    /// </summary>
    public required string? Exe { get; init; }

    public required bool IsKernelThread { get; init; }

    /// <summary>In the unified hierarchy, <c>/system.slice/x.service</c>; null if there is no such hierarchy.</summary>
    public required string? ControlGroup { get; init; }

    /// <summary>Thread ids in order, the process's own first or among them.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Effective user id.</summary>
    public required uint Uid { get; init; }

    /// <summary>0 if it is not traced.</summary>
    public required int TracerPid { get; init; }

    /// <summary>The device number of the controlling terminal; 0 if there is none.</summary>
    public required int Tty { get; init; }

    /// <summary>Memory in RAM that is in no file (RssAnon, RssShmem; what is shared counts with each), bytes.</summary>
    public long AnonymousBytes { get; init; }

    /// <summary>Memory that was swapped out (VmSwap), bytes.</summary>
    public long SwappedBytes { get; init; }

    /// <summary>Huge pages of hugetlbfs, which are in neither of the two, bytes.</summary>
    public long HugePageBytes { get; init; }
}
