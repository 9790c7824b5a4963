using System.Text.RegularExpressions;

namespace Nvwa.Linux.Tests;

/// <summary>
/// A network namespace in the words of ip(8), nft(8) and sysctl: what two namespaces that are set up alike have in common. Left
/// out are indexes, time that passes, states that links find out, and link-local addresses, which come with the carrier.
/// </summary>
internal static partial class NetworkText
{
    private static readonly string[][] Questions =
    [
        ["-4", "-o", "address"],
        ["-6", "-o", "address"],
        ["-4", "-d", "route", "show", "table", "all"],
        ["-6", "-d", "route", "show", "table", "all"],
        ["-4", "-d", "rule"],
        ["-6", "-d", "rule"],
        ["neighbour", "show", "nud", "permanent"],
        ["neighbour", "show", "proxy"],
        ["-d", "nexthop"],
    ];

    public static string Of()
    {
        List<string> lines = [.. Lines(NetworkNamespace.Run("ip", "-d", "-o", "link")).Select(WithoutState).Order(StringComparer.Ordinal)];
        foreach (string[] question in Questions)
        {
            lines.Add($"# ip {string.Join(' ', question)}");
            lines.AddRange(Lines(NetworkNamespace.Run("ip", question)).Where(line => !LinkLocal().IsMatch(line)).Select(WithoutState).Order(StringComparer.Ordinal));
        }

        lines.Add(NetworkNamespace.Run("nft", "-s", "list", "ruleset"));
        return string.Join('\n', lines);
    }

    /// <summary>A setting below /proc/sys/net, of the calling thread's namespace.</summary>
    public static string Sysctl(string path) => File.ReadAllText($"/proc/sys/net/{path}").Trim();

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string WithoutState(string line) => Spaces().Replace(State().Replace(line, ""), " ").Trim();

    [GeneratedRegex(
        @"^\d+: |\d+sec|,?LOWER_UP|NO-CARRIER,?|,?M-DOWN|tentative|linkdown|dead|qdisc \w+|\bstate [\w-]+|\w+_timer +[\d.]+|timer +[\d.]+|@if\d+|promiscuity \d+|designated_\w+ \S+|topology_change\w* \d|config_pending \d|root_port \d+|root_id \S+|port_id \S+|port_no \S+")]
    private static partial Regex State();

    [GeneratedRegex(@"\bfe80:|\bff00:")]
    private static partial Regex LinkLocal();

    [GeneratedRegex(@"[ \\]+")]
    private static partial Regex Spaces();
}
