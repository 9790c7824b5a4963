using System.Text;

namespace Nvwa.Linux;

/// <summary>Packet filters of both kinds, in the words of the tools that read them again.</summary>
/// <param name="Nftables">Tables as nft(8) lists them; not those that a process owns, and not those of iptables and libvirt.</param>
/// <param name="Xtables">What iptables-save(8) and its relatives say, for each that has something to say.</param>
internal sealed record FirewallRules(string Nftables, IReadOnlyList<XtablesRules> Xtables);

/// <summary>Rules of one of the iptables tools.</summary>
/// <param name="Tool">The programs' names without <c>-save</c> and <c>-restore</c>: one of <see cref="Firewall.Tools"/>.</param>
/// <param name="Rules">All of its tables.</param>
internal sealed record XtablesRules(string Tool, string Rules);

/// <summary>
/// Reads and replaces packet filters, in the network namespace of the calling thread. nft's tables are replaced in one
/// transaction. iptables' rules in nftables contain what nft lists but does not read again, so its own tools keep them.
/// </summary>
internal static class Firewall
{
    /// <summary>In nftables first: a legacy table is filled whatever the former do.</summary>
    public static readonly string[] Tools = ["iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy"];

    private const int OutputLimit = 32 << 20;
    private const string LegacySuffix = "-legacy";
    private static readonly string[] SetOptions = ["--match-set", "--add-set", "--del-set", "--map-set"];
    private static readonly TimeSpan CommandDeadline = TimeSpan.FromSeconds(30);
    private static readonly string[] XtablesNames = ["filter", "nat", "mangle", "raw", "security"];

    public static FirewallRules Read(CancellationToken cancellation)
    {
        List<NftTable> tables = NftTable.Split(Run("nft", ["-s", "list", "ruleset"], null, cancellation));
        tables.RemoveAll(table => table.IsOwned || table.Name == LibvirtNetworks.Table);
        List<XtablesRules> xtables = [];
        foreach (string tool in Tools)
        {
            List<XtablesTable> kept = IsInUse(tool, tables) ? Save(tool, cancellation) : [];
            if (!IsLegacy(tool))
            {
                kept.RemoveAll(each => !tables.Exists(table => table.Family == FamilyOf(tool) && table.IsKeptBy(each)));
                tables.RemoveAll(table => table.Family == FamilyOf(tool) && kept.Exists(each => each.Name == table.Name));
            }

            if (kept.Count > 0)
            {
                xtables.Add(new XtablesRules(tool, string.Concat(kept.Select(each => each.Text))));
            }
        }

        return new FirewallRules(string.Concat(tables.Select(table => table.Text)), xtables);
    }

    /// <summary>That another host could load the rules: said while there is still time to refuse.</summary>
    /// <param name="rules">As read.</param>
    /// <param name="absent">Links that will not be there.</param>
    /// <param name="cancellation">Ends the tool.</param>
    /// <exception cref="InvalidDataException">They name what is not kept.</exception>
    public static void Check(FirewallRules rules, IReadOnlyCollection<string> absent, CancellationToken cancellation)
    {
        foreach (XtablesRules tool in rules.Xtables)
        {
            // Comments are quoted, names of sets are not.
            string[] words = [.. tool.Rules.Split('"').Where((_, index) => index % 2 == 0).SelectMany(text => text.Split(' ', '\n'))];
            if (Array.FindIndex(words, SetOptions.Contains) is >= 0 and int at)
            {
                throw new InvalidDataException($"rules of {tool.Tool} use the set {words[at + 1]} of ipset, which is not kept; sets of nftables are");
            }
        }

        // A chain of the family netdev, a flowtable, and what is compared by index: the kernel takes none of them without the link.
        if (absent.FirstOrDefault(link => rules.Nftables.Split('\n').Any(line => NeedsLink(line.Trim(), link))) is { } missing)
        {
            throw new InvalidDataException(
                $"rules of nftables need link {missing} (iif, oif, a hook's device), which a program makes that may not run yet when they are restored; iifname and oifname do not need it");
        }

        _ = Run("nft", ["-c", "-f", "-"], Replacement(rules.Nftables), cancellation);
    }

    /// <summary>Puts these rules in the place of all that are there, but tables that a process owns.</summary>
    /// <param name="rules">What is to be there.</param>
    /// <param name="present">What is there: a legacy table is emptied, not removed.</param>
    /// <param name="cancellation">Between two tools.</param>
    public static void Replace(FirewallRules rules, FirewallRules present, CancellationToken cancellation)
    {
        Run("nft", ["-f", "-"], Replacement(rules.Nftables), cancellation);
        foreach (string tool in Tools)
        {
            string? wanted = RulesOf(rules, tool);
            string? emptied = IsLegacy(tool) && RulesOf(present, tool) is { } former
                ? string.Concat(XtablesTable.Split(former).Select(table => table.Emptied()))
                : null;
            foreach (string text in new[] { emptied, wanted }.OfType<string>())
            {
                Run($"{tool}-restore", [], text, cancellation);
            }
        }
    }

    public static bool AreSame(FirewallRules one, FirewallRules other) =>
        one.Nftables == other.Nftables && one.Xtables.SequenceEqual(other.Xtables);

    private static bool NeedsLink(string line, string link)
    {
        string rule = line.Split(" comment \"")[0];
        bool isHook = rule.StartsWith("type ", StringComparison.Ordinal) || rule.StartsWith("devices = ", StringComparison.Ordinal);
        return isHook
            ? rule.Split(' ', '"', ',', ';').Contains(link)
            : rule.Contains($"iif \"{link}\"", StringComparison.Ordinal) || rule.Contains($"oif \"{link}\"", StringComparison.Ordinal);
    }

    private static string? RulesOf(FirewallRules rules, string tool) => rules.Xtables.FirstOrDefault(each => each.Tool == tool)?.Rules;

    /// <summary>What a process owns, a flush leaves alone.</summary>
    private static string Replacement(string tables) => $"flush ruleset\n{tables}";

    private static bool IsLegacy(string tool) => tool.EndsWith(LegacySuffix, StringComparison.Ordinal);

    private static string FamilyOf(string tool) => tool.StartsWith("ip6", StringComparison.Ordinal) ? "ip6" : "ip";

    /// <summary>A legacy tool's first call would load the kernel's tables; an nft one's, of foreign tables, would be idle.</summary>
    private static bool IsInUse(string tool, List<NftTable> tables) => IsLegacy(tool)
        ? Proc.TryReadText($"/proc/thread-self/net/{FamilyOf(tool)}_tables_names") is { Length: > 0 }
        : tables.Exists(table => table.Family == FamilyOf(tool) && XtablesNames.Contains(table.Name));

    private static List<XtablesTable> Save(string tool, CancellationToken cancellation)
    {
        string program = $"{tool}-save";
        try
        {
            return XtablesTable.Split(Run(program, [], null, cancellation));
        }
        catch (LinuxException missing) when (missing.Errno == Errno.ENOENT && missing.Subject == program && !IsLegacy(tool))
        {
            // Where iptables is not installed, tables of its names are nft's own.
            return [];
        }
    }

    private static string Run(string program, string[] arguments, string? input, CancellationToken cancellation)
    {
        SpawnRequest request = new(program, arguments)
        {
            Input = input is null ? null : Encoding.UTF8.GetBytes(input),
            OutputLimit = OutputLimit,
        };
        SpawnResult result = Spawn.RunAsync(request, CommandDeadline, cancellation).GetAwaiter().GetResult();
        string subject = string.Join(' ', arguments);
        return result.IsCut ? throw new LinuxException(program, subject, Errno.EFBIG, $"more than {OutputLimit >> 20} MiB of rules")
            : result.ExitCode == 0 ? result.Output
            : throw Failure(program, subject, result.Error);
    }

    private static LinuxException Failure(string program, string subject, string error)
    {
        string[] lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string first = lines.FirstOrDefault() ?? "it said nothing";
        return new LinuxException(program, subject, Errno.FromMessage(first), string.Join(' ', lines.Take(2)).Trim());
    }
}
