using System.Text;
using System.Text.RegularExpressions;

namespace Nvwa.Linux;

/// <summary>The C library that a process runs on.</summary>
public static partial class Glibc
{
    /// <summary>As in its own banner, "GNU C Library (...) stable release version 2.41."</summary>
    /// <param name="path">Of libc.so.6, or of a program that has it in it.</param>
    /// <returns>Null if it is no glibc, or cannot be read.</returns>
    public static Version? VersionOf(string path)
    {
        try
        {
            // A libc has two megabytes; the banner lies anywhere in it.
            Match banner = Banner().Match(Encoding.Latin1.GetString(File.ReadAllBytes(path)));
            return banner.Success ? Version.Parse(banner.Groups["version"].ValueSpan) : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"GNU C Library [^\n]{0,200}release version (?<version>\d+\.\d+)")]
    private static partial Regex Banner();
}
