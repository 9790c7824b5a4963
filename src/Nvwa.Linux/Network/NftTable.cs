namespace Nvwa.Linux;

/// <summary>One table in the text of <c>nft list ruleset</c>.</summary>
/// <param name="Family">ip, ip6, inet, arp, bridge or netdev.</param>
/// <param name="Name">As nft writes it.</param>
/// <param name="Text">From <c>table</c> to the closing brace, with the line's end.</param>
/// <param name="IsOwned">It goes with the process that holds it, which alone may change it.</param>
internal sealed record NftTable(string Family, string Name, string Text, bool IsOwned)
{
    private const string Begin = "table ";

    /// <summary>nft indents with tabs all that is within a table, and a string has no line's end in it.</summary>
    /// <exception cref="InvalidDataException">It is not what nft lists.</exception>
    public static List<NftTable> Split(string ruleset)
    {
        List<NftTable> tables = [];
        List<string> lines = [];
        foreach (string line in ruleset.Split('\n'))
        {
            if (lines.Count == 0 && (line.Length == 0 || line.StartsWith('#')))
            {
                // It warns of tables that iptables keeps.
                continue;
            }

            if (lines.Count == 0 && !line.StartsWith(Begin, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"nft lists \"{line}\" where a table should begin.");
            }

            lines.Add(line);
            if (line == "}")
            {
                tables.Add(Of(lines));
                lines.Clear();
            }
        }

        return lines.Count == 0 ? tables : throw new InvalidDataException($"nft's list ends within {lines[0]}.");
    }

    private static NftTable Of(List<string> lines)
    {
        string[] words = lines[0].Split(' ');
        return words.Length < 4
            ? throw new InvalidDataException($"nft lists \"{lines[0]}\", which is no beginning of a table.")
            : new NftTable(words[1], words[2], string.Join('\n', lines) + "\n", lines.Exists(IsOwnerLine));
    }

    /// <summary>One tab: the flags of the table, not of a set in it.</summary>
    private static bool IsOwnerLine(string line) =>
        line.StartsWith("\tflags ", StringComparison.Ordinal) && line["\tflags ".Length..].Split(',', ' ', ';').Contains("owner");
}
