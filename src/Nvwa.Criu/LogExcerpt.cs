using System.Text;

namespace Nvwa.Criu;

/// <summary>The lines of a CRIU log that an operator wants to see.</summary>
/// <remarks>
/// A line looks like <c>(00.001241) Error (criu/cr-restore.c:1237): Can't fork for 812: File exists</c>; the time is
/// there from log level Info on, the PID of the restored process may follow it. The first error of a log, which is the
/// one that CRIU sends in its reply, can be one it survived; the last ones tell what ended it.
/// </remarks>
public static class LogExcerpt
{
    /// <summary>How much of the end of a log is looked at, in bytes.</summary>
    public const int Window = 256 * 1024;

    /// <summary>The length at which a line is cut, in characters.</summary>
    public const int MaximumLineLength = 500;

    private const string Marker = "Error (";

    /// <summary>The last error lines of a log, oldest first; none when there is no log.</summary>
    /// <param name="path">The log.</param>
    /// <param name="maximum">How many lines at most.</param>
    /// <exception cref="IOException">The log is there and cannot be read.</exception>
    public static IReadOnlyList<string> Errors(string path, int maximum)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximum);
        try
        {
            return LastErrors(ReadEnd(path), maximum);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static string ReadEnd(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] window = new byte[(int)Math.Min(stream.Length, Window)];
        stream.Seek(-window.Length, SeekOrigin.End);
        int length = stream.ReadAtLeast(window, window.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(window, 0, length);
    }

    private static List<string> LastErrors(string text, int maximum) =>
    [
        .. text.Split('\n')
            .Where(line => line.Contains(Marker, StringComparison.Ordinal))
            .TakeLast(maximum)
            .Select(Printable),
    ];

    /// <summary>A log can quote what a process chose: nothing of it may steer the operator's terminal.</summary>
    private static string Printable(string line)
    {
        string cut = line.Length <= MaximumLineLength ? line : line[..MaximumLineLength] + "...";
        return string.Create(cut.Length, cut, (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }
}
