using System.Globalization;

namespace Nvwa.Linux;

/// <summary>A range of a process's memory: a line of /proc/PID/maps, see proc_pid_maps(5).</summary>
/// <param name="Pid">The process.</param>
/// <param name="Start">Its first address.</param>
/// <param name="End">The first address behind it.</param>
/// <param name="IsShared">MAP_SHARED: others that map it see what is written.</param>
/// <param name="IsExecutable">Code.</param>
/// <param name="Device">Of the file system; 0:0 for none.</param>
/// <param name="Inode">Of the file; 0 for none.</param>
/// <param name="Target">A path (with <c> (deleted)</c> after one that is gone), a name as <c>[heap]</c>, or empty.</param>
public sealed record Mapping(
    int Pid, ulong Start, ulong End, bool IsShared, bool IsExecutable, DeviceNumber Device, ulong Inode, string Target)
{
    private const int TargetField = 5;

    /// <summary>Empty if the process is gone, and for a kernel thread.</summary>
    public static IReadOnlyList<Mapping> Of(int pid) =>
        [.. Proc.TryReadLines($"/proc/{pid}/maps").Select(line => Parse(pid, line)).OfType<Mapping>()];

    /// <summary>Whether some of them are empty in a child (MADV_WIPEONFORK): VmFlags of proc_pid_smaps(5).</summary>
    public static bool AreWiped(int pid) =>
        Proc.TryReadLines($"/proc/{pid}/smaps").Any(line => line.StartsWith("VmFlags:", StringComparison.Ordinal) && line.Split(' ').Contains("wf"));

    /// <summary>
    /// <c>7f1c-7f1d r-xp 00001000 08:02 1234   /path</c>, the path padded, and anything at all in it but a line's end;
    /// null for a line of another shape.
    /// </summary>
    internal static Mapping? Parse(int pid, string line)
    {
        string[] fields = line.Split(' ', TargetField + 1, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < TargetField
            || fields[0].Split('-') is not [var start, var end]
            || fields[1].Length < 4
            || fields[3].Split(':') is not [var major, var minor])
        {
            return null;
        }

        return new Mapping(
            pid,
            ulong.Parse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            ulong.Parse(end, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            fields[1][3] == 's',
            fields[1][2] == 'x',
            new DeviceNumber(
                uint.Parse(major, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                uint.Parse(minor, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            ulong.Parse(fields[4], CultureInfo.InvariantCulture),
            fields.Length > TargetField ? fields[TargetField] : "");
    }
}
