namespace Nvwa.Linux;

/// <summary>One table in the text of iptables-save(8).</summary>
/// <param name="Name">filter, nat, mangle, raw or security.</param>
/// <param name="Text">From <c>*name</c> to <c>COMMIT</c>, without comments and counters.</param>
internal sealed record XtablesTable(string Name, string Text)
{
    public IReadOnlySet<string> Chains { get; } =
        Text.Split('\n').Where(line => line.StartsWith(':')).Select(line => line[1..].Split(' ')[0]).ToHashSet(StringComparer.Ordinal);

    public int RuleCount { get; } = Text.Split('\n').Count(line => line.StartsWith("-A ", StringComparison.Ordinal));

    /// <summary>Lines that begin with # name the moment, and tables that iptables does not understand.</summary>
    public static List<XtablesTable> Split(string said)
    {
        List<XtablesTable> tables = [];
        List<string> lines = [];
        foreach (string line in said.Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#')))
        {
            lines.Add(WithoutCounters(line));
            if (line == "COMMIT")
            {
                tables.Add(new XtablesTable(lines[0].TrimStart('*'), string.Join('\n', lines) + "\n"));
                lines.Clear();
            }
        }

        return lines.Count == 0 ? tables : throw new InvalidDataException($"iptables-save ends within {lines[0]}.");
    }

    /// <summary>The same table with chains that accept everything and no others.</summary>
    public string Emptied() => string.Concat(Text.Split('\n')
        .Where(line => line.StartsWith('*') || line == "COMMIT" || (line.StartsWith(':') && line.Split(' ')[1] != "-"))
        .Select(line => (line.StartsWith(':') ? $"{line.Split(' ')[0]} ACCEPT [0:0]" : line) + "\n"));

    /// <summary>A chain's line ends with its counters: <c>:INPUT ACCEPT [12:3456]</c>.</summary>
    private static string WithoutCounters(string line) =>
        line.StartsWith(':') && line.LastIndexOf('[') is > 0 and int at ? $"{line[..at]}[0:0]" : line;
}
