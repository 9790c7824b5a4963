using System.Globalization;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// One line of /proc/PID/stat: <c>pid (comm) state ppid pgrp session tty_nr tpgid flags ... starttime ...</c>. The name
/// may hold blanks and brackets, even <c>") R ("</c>, so it ends at the last bracket of the line.
/// </summary>
internal sealed record ProcessStat(
    string Comm, char State, int ParentPid, int ProcessGroup, int Session, int Tty, uint Flags, long StartTicks)
{
    public const uint PF_KTHREAD = 0x00200000;

    private const int StateField = 3;

    public static ProcessStat Parse(ReadOnlySpan<byte> line)
    {
        int open = line.IndexOf((byte)'(');
        int close = line.LastIndexOf((byte)')');
        if (open < 0 || close < open)
        {
            throw new InvalidDataException("A process's stat line has no name in brackets.");
        }

        string comm = Encoding.UTF8.GetString(line[(open + 1)..close]);
        string[] rest = Encoding.ASCII.GetString(line[(close + 1)..]).Split(
            (char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return new ProcessStat(
            comm, Field(rest, 3)[0], Number(rest, 4), Number(rest, 5), Number(rest, 6), Number(rest, 7),
            uint.Parse(Field(rest, 9), CultureInfo.InvariantCulture),
            long.Parse(Field(rest, 22), CultureInfo.InvariantCulture));
    }

    private static int Number(string[] rest, int field) => int.Parse(Field(rest, field), CultureInfo.InvariantCulture);

    /// <param name="rest">What follows the name.</param>
    /// <param name="field">Counted as proc(5) does.</param>
    private static string Field(string[] rest, int field) =>
        field - StateField < rest.Length
            ? rest[field - StateField]
            : throw new InvalidDataException($"A process's stat line has no field {field}.");
}
