using System.Globalization;

namespace Nvwa.Lab;

/// <summary>
/// Names of what the lab leaves on the host while it runs: <c>nvwa-lab-PID-NUMBER</c>. The PID is the owner's, so that a later
/// run knows what a crashed one has left.
/// </summary>
internal static class LabName
{
    private const string Prefix = "nvwa-lab-";

    private static int _last;

    public static string Next() =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _last)}");

    /// <summary>Whether the name is one of ours whose owner is no more.</summary>
    public static bool IsStale(string name)
    {
        string[] parts = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..].Split('-') : [];
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int owner)
            && !Directory.Exists($"/proc/{owner}");
    }
}
