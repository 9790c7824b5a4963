using System.Globalization;
using System.Text;

namespace Nvwa.Restore;

/// <summary>What goes into unit files and drop-ins: systemd.syntax(7), systemd.unit(5).</summary>
internal static class UnitFile
{
    /// <summary>One word, whatever is in it: quoted, and without specifiers.</summary>
    public static string Quote(string word)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in word)
        {
            _ = c switch
            {
                '%' => quoted.Append("%%"),
                '\\' or '"' => quoted.Append('\\').Append(c),
                // A carriage return ends a line, too.
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>A command line: systemd.service(5). The colon keeps variables from being expanded.</summary>
    public static string Command(IReadOnlyList<string> words) => ":" + string.Join(' ', words.Select(Quote));
}
