using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>Reads a snapshot, in the network namespace of the calling thread.</summary>
internal static class NetworkReader
{
    public static NetworkSnapshot Read(TimeProvider time, CancellationToken cancellation)
    {
        using RouteSocket socket = new();
        List<RouteMessage> addresses = new AddressObjects().Read(socket);
        IReadOnlySet<string> libvirt = LibvirtNetworks.Bridges("/");
        List<NetworkLink> links = OfInterest(NetworkLinks.Read(socket), addresses)
            .ConvertAll(link => libvirt.Contains(link.Name) ? link with { Origin = LinkOrigin.Program } : link);
        HashSet<int> indexes = [.. links.Select(link => link.Index)];
        FirewallRules firewall = Firewall.Read(cancellation);
        NetworkLink[] programs = [.. links.Where(link => link.Origin == LinkOrigin.Program)];
        Firewall.Check(firewall, [.. programs.Select(link => link.Name)], cancellation);
        return new NetworkSnapshot(
            time.GetUtcNow().ToUnixTimeSeconds(),
            links,
            Kept(new AddressObjects(), [.. AddressObjects.InOrderToAdd(addresses)]),
            Kept(new NexthopObjects(), InOrderToAdd(new NexthopObjects().Read(socket))),
            Kept(new RouteObjects(), new RouteObjects().Read(socket).FindAll(route => !RouteObjects.IsOfKernel(route) || addresses.Exists(address => RouteObjects.IsForAddress(route, address)))),
            Kept(new RuleObjects(), new RuleObjects().Read(socket)),
            Kept(new NeighbourObjects(), new NeighbourObjects().Read(socket)),
            firewall,
            NetworkSysctls.Read(name => name is "all" or "default" || links.Exists(link => link.Name == name)),
            [.. programs.Select(link => $"link {link.Name} ({link.Kind}) is made by a program")],
            []);

        IReadOnlyList<byte[]> Kept(NetworkObjects kind, IReadOnlyList<RouteMessage> messages) =>
            [.. messages.Where(message => kind.Translate(message, index => indexes.Contains(index) ? index : null) is not null).Select(message => message.Encode())];
    }

    /// <summary>Hardware that nothing was made of would only be waited for.</summary>
    private static List<NetworkLink> OfInterest(List<NetworkLink> links, List<RouteMessage> addresses) => links.FindAll(link =>
        link.Origin != LinkOrigin.Hardware
        || (link.Flags & IFF_UP) != 0
        || link.Master != 0
        || links.Exists(other => other.Lower == link.Index)
        || addresses.Exists(address => AddressObjects.Link(address) == link.Index));

    /// <summary>Groups behind those that they consist of.</summary>
    private static List<RouteMessage> InOrderToAdd(List<RouteMessage> nexthops) =>
        [.. nexthops.Where(each => !each.Has(NHA_GROUP)), .. nexthops.Where(each => each.Has(NHA_GROUP))];
}
