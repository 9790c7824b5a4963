namespace Nvwa.Core.Planning;

/// <summary>
/// Where the new kernel's user space takes its PIDs, so that those of saved processes stay free: the kernel hands out
/// numbers upwards from its last one and wraps at pid_max to 300 (pid.c, RESERVED_PIDS).
/// </summary>
/// <param name="Start">Goes to <c>kernel.ns_last_pid</c>; the first new process has the next number.</param>
/// <param name="Length">How many numbers follow before a saved one, or pid_max, is reached.</param>
/// <param name="PidMax">Goes to <c>kernel.pid_max</c>.</param>
public sealed record PidBand(int Start, int Length, int PidMax)
{
    /// <summary>The kernel's limit on 64-bit machines (PID_MAX_LIMIT, threads.h).</summary>
    public const int Limit = 4 * 1024 * 1024;

    /// <summary>Below it only what runs before user space takes numbers; a wrapped counter starts here again.</summary>
    private const int Reserved = 300;

    /// <summary>The largest range that holds no saved number.</summary>
    /// <param name="saved">All PIDs, TIDs, session and process group numbers of what is kept.</param>
    public static PidBand Choose(IEnumerable<int> saved)
    {
        int[] taken = [.. saved.Where(number => number > Reserved).Append(Reserved).Append(Limit).Distinct().Order()];
        return taken.Zip(taken.Skip(1), (low, high) => new PidBand(low, high - low - 1, Limit))
            .MaxBy(band => band.Length)!;
    }
}
