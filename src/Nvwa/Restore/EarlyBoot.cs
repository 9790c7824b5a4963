using Nvwa.Core.Journal;
using Nvwa.Core.Kernel;
using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Restore;

/// <summary>
/// After a switch the kernel's command line keeps user space away from the PIDs of what is to be restored. A cold boot has no
/// such command line: the generator, the first of ours to run, says it to the kernel. PIDs that were given out before that may
/// be taken; a restore that finds one so waits and tries again.
/// </summary>
internal static class EarlyBoot
{
    private const string PidMax = "kernel.pid_max";
    private const string LastPid = "kernel.ns_last_pid";

    public static void ReservePids(UpdateState? state, string bootId, string commandLine)
    {
        if (BandToSet(state, bootId, commandLine, Sysctl.Read(LastPid)) is { } band)
        {
            // In this order: above pid_max the kernel takes no ns_last_pid.
            Sysctl.Write(PidMax, band.PidMax);
            Sysctl.Write(LastPid, band.Start);
        }
    }

    /// <returns>Null where nothing waits to be restored, or PIDs are given out in the right place already.</returns>
    public static PidBand? BandToSet(UpdateState? state, string bootId, string commandLine, int lastPid)
    {
        if (state?.Next(bootId) != NextStep.Restore || KernelCommandLine.Parse(commandLine).Value(KernelCommandLine.UpdateParameter) == state.Id)
        {
            return null;
        }

        var band = PidBand.Choose(state.Workloads.SelectMany(workload => workload.Workload.Numbers));
        return lastPid >= band.Start && lastPid < band.Start + band.Length ? null : band;
    }
}
