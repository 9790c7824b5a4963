namespace Nvwa.Linux;

/// <summary>
/// When the manager reached the stages of this boot: microseconds of CLOCK_MONOTONIC, 0 for a stage that did not happen
/// or is not reached yet. Source: the properties of the same names with "TimestampMonotonic" at their end.
/// </summary>
/// <param name="Kernel">Always near 0: where the clock starts.</param>
/// <param name="InitRD">The first user space of an initial file system; 0 if there was none.</param>
/// <param name="Userspace">This manager was started.</param>
/// <param name="GeneratorsStart">Generators were started; they are done before any unit of the root file system runs.</param>
/// <param name="GeneratorsFinish">The last generator ended.</param>
/// <param name="UnitsLoadStart">Loading of units began.</param>
/// <param name="UnitsLoadFinish">The first transaction is queued.</param>
/// <param name="Finish">The start-up is complete: nothing queued is left.</param>
public sealed record SystemdTimestamps(
    ulong Kernel,
    ulong InitRD,
    ulong Userspace,
    ulong GeneratorsStart,
    ulong GeneratorsFinish,
    ulong UnitsLoadStart,
    ulong UnitsLoadFinish,
    ulong Finish);
