namespace Nvwa.Linux;

/// <summary>One table in the text of <c>nft list ruleset</c>.</summary>
/// <param name="Family">ip, ip6, inet, arp, bridge or netdev.</param>
/// <param name="Name">As nft writes it.</param>
/// <param name="Text">From <c>table</c> to the closing brace, with the line's end.</param>
/// <param name="IsOwned">It goes with the process that holds it, which alone may change it.</param>
internal sealed record NftTable(string Family, string Name, string Text, bool IsOwned)
{
    private const string Begin = "table ";
    private const string ChainBegin = "\tchain ";
    private const string RuleBegin = "\t\t";
    private const string HookBegin = "\t\ttype ";

    private string[] Lines => Text.Split('\n');

    private List<string> Rules =>
        [.. Lines.Where(line => line.StartsWith(RuleBegin, StringComparison.Ordinal) && !line.StartsWith(HookBegin, StringComparison.Ordinal))];

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

    /// <summary>
    /// iptables made all of it: each chain and each rule is in what its tool says, and each rule counts, as its rules always do.
    /// The tool says nothing of what it does not understand, and takes foreign tables of its names for its own.
    /// </summary>
    public bool IsKeptBy(XtablesTable table) =>
        Name == table.Name
        && Array.TrueForAll(Lines, line => !IsOther(line))
        && Lines.Where(line => line.StartsWith(ChainBegin, StringComparison.Ordinal)).All(line => table.Chains.Contains(line.Split(' ')[1]))
        && Rules.Count == table.RuleCount
        && Rules.TrueForAll(rule => rule.Split('\t', ' ').Contains("counter"));

    /// <summary>A set, a counter, or what else a table may have besides chains.</summary>
    private static bool IsOther(string line) =>
        line.Length > 1 && line[0] == '\t' && line[1] is not ('\t' or '}') && !line.StartsWith(ChainBegin, StringComparison.Ordinal);

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
