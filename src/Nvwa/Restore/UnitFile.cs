namespace Nvwa.Restore;

/// <summary>What goes into unit files and drop-ins: systemd.syntax(7), systemd.unit(5).</summary>
internal static class UnitFile
{
    /// <summary>One word, whatever is in it: quoted, and without specifiers.</summary>
    public static string Quote(string word) =>
        $"\"{word.Replace("%", "%%", StringComparison.Ordinal).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    /// <summary>A command line: systemd.service(5). The colon keeps variables from being expanded.</summary>
    public static string Command(IReadOnlyList<string> words) => ":" + string.Join(' ', words.Select(Quote));
}
