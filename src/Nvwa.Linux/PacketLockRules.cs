using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// The text for nft(8): one table, with six sets and two chains of seven rules, however many endpoints there are.
/// <code>
///   set        matches                                     from
///   any4 any6  protocol, local port                        listeners on any address
///   at4  at6   protocol, local address and port            listeners on one address
///   flow4 flow6 protocol, local and remote address, port   connections
/// </code>
/// The hooks are input and output, where a packet has the addresses that the socket has: after NAT on the way in, before
/// it on the way out. At priority -300 a packet out has not been seen by connection tracking (-200); a packet in has,
/// but what is dropped here is never confirmed there, so nothing new is remembered. IP fragments are whole again at the
/// input hook, and not yet made at the output hook.
/// </summary>
internal static class PacketLockRules
{
    private const int Priority = -300;

    /// <summary>
    /// SOCCR_MARK of CRIU's soccr.h. Of a connection that the peer had closed on its side CRIU tells the new socket by a packet
    /// of its own, which it marks so.
    /// </summary>
    private const string CriuMark = "0xc114";

    /// <summary>Replaces the table as a whole, in one transaction: there is no moment without it.</summary>
    public static string Hold(string table, IReadOnlyList<LockedEndpoint> endpoints) => Table(table, endpoints, text =>
    {
        AppendChain(text, "input", local: "d", remote: "s");
        AppendChain(text, "output", local: "s", remote: "d");
    });

    /// <summary>The same, of which only the first packet of a connection from a peer is dropped.</summary>
    public static string HoldNewcomers(string table, IReadOnlyList<LockedEndpoint> endpoints) =>
        Table(table, endpoints, text => AppendChain(text, "input", local: "d", remote: "s", only: "tcp flags & (syn | ack) == syn "));

    private static string Table(string table, IReadOnlyList<LockedEndpoint> endpoints, Action<StringBuilder> appendChains)
    {
        Sets sets = new(endpoints);
        StringBuilder text = new();
        text.Append(Release(table));
        text.Append(CultureInfo.InvariantCulture, $"table inet {table} {{\n  flags owner;\n");
        AppendSet(text, "any4", "inet_proto . inet_service", sets.Any4);
        AppendSet(text, "any6", "inet_proto . inet_service", sets.Any6);
        AppendSet(text, "at4", "inet_proto . ipv4_addr . inet_service", sets.At4);
        AppendSet(text, "at6", "inet_proto . ipv6_addr . inet_service", sets.At6);
        AppendSet(text, "flow4", "inet_proto . ipv4_addr . inet_service . ipv4_addr . inet_service", sets.Flow4);
        AppendSet(text, "flow6", "inet_proto . ipv6_addr . inet_service . ipv6_addr . inet_service", sets.Flow6);
        appendChains(text);
        return text.Append("}\n").ToString();
    }

    /// <summary>Removes the table. Adding it first makes it no error that there is none.</summary>
    public static string Release(string table)
    {
        if (table.Length == 0 || !table.All(each => char.IsAsciiLetterOrDigit(each) || each == '_'))
        {
            throw new ArgumentException("A table's name here is letters, digits and underscores.", nameof(table));
        }

        return $"add table inet {table} {{ flags owner; }}\ndelete table inet {table}\n";
    }

    private static void AppendSet(StringBuilder text, string name, string type, SortedSet<string> elements)
    {
        text.Append(CultureInfo.InvariantCulture, $"  set {name} {{ type {type};");
        if (elements.Count > 0)
        {
            text.Append(" elements = { ").AppendJoin(", ", elements).Append(" };");
        }

        text.Append(" }\n");
    }

    /// <param name="text">Where to.</param>
    /// <param name="hook">Of this host's own packets: input or output.</param>
    /// <param name="local">Whether this host is the packet's source (s) or destination (d).</param>
    /// <param name="remote">The other letter.</param>
    /// <param name="only">A further condition.</param>
    private static void AppendChain(StringBuilder text, string hook, string local, string remote, string only = "") =>
        text.Append(CultureInfo.InvariantCulture, $$"""
              chain {{hook}} {
                type filter hook {{hook}} priority {{Priority}}; policy accept;
                meta mark {{CriuMark}} accept
                {{only}}meta nfproto ipv4 meta l4proto . th {{local}}port @any4 drop
                {{only}}meta nfproto ipv6 meta l4proto . th {{local}}port @any6 drop
                {{only}}meta l4proto . ip {{local}}addr . th {{local}}port @at4 drop
                {{only}}meta l4proto . ip6 {{local}}addr . th {{local}}port @at6 drop
                {{only}}meta l4proto . ip {{local}}addr . th {{local}}port . ip {{remote}}addr . th {{remote}}port @flow4 drop
                {{only}}meta l4proto . ip6 {{local}}addr . th {{local}}port . ip6 {{remote}}addr . th {{remote}}port @flow6 drop
              }

            """);

    /// <summary>The endpoints as elements, each once: two listeners may share a port.</summary>
    private sealed class Sets
    {
        public Sets(IReadOnlyList<LockedEndpoint> endpoints)
        {
            foreach (LockedEndpoint endpoint in endpoints)
            {
                Add(endpoint);
            }
        }

        public SortedSet<string> Any4 { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Any6 { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> At4 { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> At6 { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Flow4 { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Flow6 { get; } = new(StringComparer.Ordinal);

        /// <summary>
        /// A connection without a local address of its own is locked by its port: too much rather than too little.
        /// </summary>
        private void Add(LockedEndpoint endpoint)
        {
            string protocol = endpoint.Protocol == InetProtocol.Tcp ? "tcp" : "udp";
            IPAddress address = OnWire(endpoint.Local.Address);
            bool is4 = address.AddressFamily == AddressFamily.InterNetwork;
            if (address.Equals(IPAddress.IPv6Any))
            {
                Any4.Add($"{protocol} . {endpoint.Local.Port}");
                Any6.Add($"{protocol} . {endpoint.Local.Port}");
            }
            else if (address.Equals(IPAddress.Any))
            {
                Any4.Add($"{protocol} . {endpoint.Local.Port}");
            }
            else if (endpoint.Remote is null)
            {
                (is4 ? At4 : At6).Add($"{protocol} . {Element(endpoint.Local)}");
            }
            else
            {
                (is4 ? Flow4 : Flow6).Add($"{protocol} . {Element(endpoint.Local)} . {Element(endpoint.Remote)}");
            }
        }

        private static string Element(IPEndPoint endPoint) => $"{OnWire(endPoint.Address)} . {endPoint.Port}";

        /// <summary>
        /// The IPv4 address behind a mapped one; of a link-local one without the scope, which packets have not.
        /// </summary>
        private static IPAddress OnWire(IPAddress address) =>
            address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
            : address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes())
            : address;
    }
}
