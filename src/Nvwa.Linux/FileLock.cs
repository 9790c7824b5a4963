using System.Globalization;

namespace Nvwa.Linux;

/// <summary>A line of /proc/locks: see proc_locks(5).</summary>
/// <param name="Kind"><c>POSIX</c>, <c>FLOCK</c>, <c>OFDLCK</c>, <c>LEASE</c>, <c>DELEG</c>.</param>
/// <param name="IsWaiting">It is not held but waited for.</param>
/// <param name="Pid">Who took it; -1 for a lock that belongs to an open file description.</param>
/// <param name="Device">Of the file system.</param>
/// <param name="Inode">Of the file.</param>
public sealed record FileLock(string Kind, bool IsWaiting, int Pid, DeviceNumber Device, ulong Inode)
{
    public static IReadOnlyList<FileLock> All() => [.. Proc.TryReadLines("/proc/locks").Select(Parse).OfType<FileLock>()];

    /// <summary><c>1: POSIX  ADVISORY  WRITE 568 fd:02:1234 0 EOF</c>, with <c>-></c> after the number of one that waits.</summary>
    internal static FileLock? Parse(string line)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool waits = fields.Length > 1 && fields[1] == "->";
        int first = waits ? 2 : 1;
        if (fields.Length < first + 5 || fields[first + 4].Split(':') is not [var major, var minor, var inode])
        {
            return null;
        }

        return new FileLock(
            fields[first],
            waits,
            int.Parse(fields[first + 3], CultureInfo.InvariantCulture),
            new DeviceNumber(
                uint.Parse(major, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                uint.Parse(minor, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            ulong.Parse(inode, CultureInfo.InvariantCulture));
    }
}
