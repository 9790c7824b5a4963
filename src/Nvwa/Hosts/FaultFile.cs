using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Faults;
using Nvwa.Linux;

namespace Nvwa.Hosts;

/// <summary>
/// Faults on a real machine, for tests: a file names them, one a line, as <c>DumpFails</c> or <c>DumpFails redis.service</c>.
/// A line is taken out, on disk, before its fault happens; the kernel's log tells of it. Read only where NVWA_FAULTS names a file.
/// </summary>
internal sealed class FaultFile(string path) : IFaults
{
    /// <summary>Consoles print it whatever their log level: syslog(3).</summary>
    private const int Emergency = 0;

    /// <summary>signal(7).</summary>
    private readonly Lock _one = new();

    public bool Take(Fault fault, string? workload = null)
    {
        lock (_one)
        {
            string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
            string? taken = lines.FirstOrDefault(line => line == $"{fault}" || line == $"{fault} {workload}");
            if (taken is null)
            {
                return false;
            }

            int at = Array.IndexOf(lines, taken);
            AtomicFile.Write(path, string.Concat(lines.Where((_, i) => i != at).Select(line => line + "\n")));
            Tell($"fault {fault} ({(int)fault})");
            return true;
        }
    }

    public void Crash(Fault fault)
    {
        using SafeFileHandle? self = Pidfd.Open(Environment.ProcessId);
        Pidfd.Kill(self!);
        StandStill();
    }

    /// <summary>Whoever asked for it waits for this line, and pulls the plug.</summary>
    public void CutPower(Fault fault)
    {
        Tell($"fault {fault} ({(int)fault}): waiting for the power to go");
        StandStill();
    }

    private static void StandStill()
    {
        using var never = new ManualResetEventSlim();
        never.Wait();
    }

    private static void Tell(string words)
    {
        try
        {
            Sysctl.Log(Emergency, $"nvwa: {words}");
        }
        catch (LinuxException)
        {
            // A unit without devices; the fault happens all the same.
        }
    }
}
