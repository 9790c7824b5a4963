using System.Xml;
using System.Xml.Linq;

namespace Nvwa.Linux;

/// <summary>
/// libvirt's own networks (virbr0). It makes their bridges when it starts, and gives a network up, with its bridge, where it finds one
/// of that name which it does not know: so they are a program's, and not made again. See virNetworkObj's state files.
/// </summary>
internal static class LibvirtNetworks
{
    /// <summary>Of nft(8), in the families ip and ip6; libvirt fills it anew.</summary>
    public const string Table = "libvirt_network";

    private const string State = "run/libvirt/network";

    /// <summary>With others (bridge, passthrough ...) it uses what the host has.</summary>
    private static readonly string?[] OwnModes = [null, "nat", "route", "open"];

    /// <param name="root">Where the host's files begin; another place only in tests.</param>
    /// <returns>Bridges of the networks that are active.</returns>
    public static IReadOnlySet<string> Bridges(string root)
    {
        string directory = Path.Combine(root, State);
        IEnumerable<string> files = Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "*.xml") : [];
        return files.SelectMany(Bridge).ToHashSet(StringComparer.Ordinal);
    }

    private static IEnumerable<string> Bridge(string path)
    {
        try
        {
            // <forward/> means nat: formatnetwork.
            return
            [
                .. XDocument.Load(path).Descendants("network")
                    .Where(network => network.Element("forward") is not { } forward || OwnModes.Contains(forward.Attribute("mode")?.Value))
                    .Elements("bridge").Attributes("name").Select(name => name.Value),
            ];
        }
        catch (Exception unreadable) when (unreadable is XmlException or IOException)
        {
            // It is being written or removed, or not libvirt's.
            return [];
        }
    }
}
