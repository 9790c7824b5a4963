namespace Nvwa.Criu;

/// <summary>
/// Brings the process <see cref="Pid"/> and all its descendants into image files, or, as a pre-dump, only their memory.
/// </summary>
/// <remarks>
/// After a dump that succeeded the processes are gone (killed), unless <see cref="LeaveRunning"/> or
/// <see cref="LeaveStopped"/>. With <see cref="LeaveRunning"/> and a <see cref="FreezeCgroup"/> that was frozen before,
/// CRIU freezes it again before it lets go: the processes stand still, and a thaw lets them run. In between CRIU holds
/// them by ptrace alone, with the cgroup thawed: <em>a CRIU that dies there lets them run</em>.
/// </remarks>
public sealed record DumpRequest : CheckpointRequest
{
    /// <summary>Gets the root of the tree.</summary>
    public required int Pid { get; init; }

    /// <summary>Gets whether the processes go on after the dump.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>Gets whether the processes are left stopped (as by SIGSTOP) after the dump.</summary>
    public bool LeaveStopped { get; init; }

    /// <summary>
    /// Gets the absolute path of the cgroup directory in which the processes are. CRIU freezes it to catch them all.
    /// Must be given when they are frozen: without it CRIU waits for a frozen process until its timeout.
    /// </summary>
    public string? FreezeCgroup { get; init; }

    /// <summary>
    /// Gets how long CRIU tries to stop the processes, in whole seconds (its own default: 10). Not a limit for the
    /// dump.
    /// </summary>
    public TimeSpan? FreezeTimeout { get; init; }

    /// <summary>Gets whether half-open incoming connections are left out instead of refused.</summary>
    public bool TcpSkipInFlight { get; init; }

    /// <summary>
    /// Gets whether a deleted open file with links left gets a temporary name; the restore removes it.
    /// </summary>
    public bool LinkRemap { get; init; }

    /// <summary>
    /// Gets the largest deleted open file that is put into the images, in bytes (CRIU's default: 1 MiB).
    /// </summary>
    public uint? GhostLimit { get; init; }

    /// <summary>Gets whether inotify watches may be resolved by a search.</summary>
    public bool ForceIrmap { get; init; }

    /// <summary>Gets whether the kernel is told to note changed pages from here on, for the next dump.</summary>
    public bool TrackMemory { get; init; }

    /// <summary>Gets the directory of the pre-dump before, relative to the images directory.</summary>
    public string? ParentImage { get; init; }

    /// <summary>Gets whether pages that a parent image holds in vain are punched out of it.</summary>
    public bool AutoDedup { get; init; }

    /// <summary>
    /// Gets whether a pre-dump copies memory by reading it while the processes run, which stops them shorter than the
    /// default. Of no meaning to a full dump.
    /// </summary>
    public bool PreDumpByRead { get; init; }

    internal override void Validate()
    {
        base.Validate();
        if (Pid <= 0)
        {
            throw new ArgumentException($"no process has the PID {Pid}");
        }

        if (LeaveRunning && LeaveStopped)
        {
            throw new ArgumentException("processes are left running or stopped, not both");
        }

        if (ParentImage?.StartsWith('/') == true)
        {
            throw new ArgumentException("the parent image is relative to the images directory");
        }

        RequireAbsolute(FreezeCgroup, nameof(FreezeCgroup));
        if (FreezeTimeout is TimeSpan timeout && (timeout < TimeSpan.FromSeconds(1) || timeout > TimeSpan.FromHours(1)))
        {
            throw new ArgumentException("the freeze timeout must be between a second and an hour");
        }
    }
}
