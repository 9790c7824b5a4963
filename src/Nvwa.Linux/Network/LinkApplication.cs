using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// The links of a configuration: those of hardware are waited for, virtual ones are made, all are configured. Which wanted link
/// is which present one is known afterwards by <see cref="IndexOf"/>.
/// </summary>
/// <param name="wanted">Lower ones first.</param>
/// <param name="socket">Of the namespace to configure.</param>
/// <param name="undo">Gets what was done.</param>
/// <param name="notes">Gets what was left out.</param>
internal sealed class LinkApplication(IReadOnlyList<NetworkLink> wanted, RouteSocket socket, NetworkUndo undo, List<string> notes)
{
    private readonly Dictionary<int, int> _indexes = [];
    private readonly HashSet<int> _made = [];
    private readonly List<(NetworkLink Link, RouteAttribute Attribute)> _deferred = [];
    private Dictionary<string, NetworkLink> _present = [];

    /// <summary>Null for a link that is not there.</summary>
    public int? IndexOf(int wantedIndex) => _indexes.TryGetValue(wantedIndex, out int index) ? index : null;

    /// <summary>
    /// Waits until each link of hardware bears the name that it had: drivers find their devices one after the other, and udev
    /// names them some time after that.
    /// </summary>
    public void AwaitHardware(TimeSpan patience, CancellationToken cancellation)
    {
        Deadline deadline = new(patience);
        using LinkChanges changes = new(cancellation);
        while (true)
        {
            List<NetworkLink> present = NetworkLinks.Read(socket);
            NetworkLink? missing = wanted.FirstOrDefault(link => link.Origin == LinkOrigin.Hardware && !present.Exists(each => IsSame(link, each)));
            if (missing is null)
            {
                return;
            }

            if (!changes.Wait(deadline))
            {
                throw new LinuxException("wait for link", missing.Name, Errno.ENODEV, Obstacle(missing, present));
            }
        }
    }

    /// <summary>Everything but up and down.</summary>
    public void Make(CancellationToken cancellation)
    {
        Find();
        while (MakeSome(cancellation))
        {
            Find();
        }

        foreach (NetworkLink link in wanted.Where(link => IndexOf(link.Index) is null))
        {
            notes.Add($"link {link.Name} ({link.Kind}) is not there: who made it has to make it again");
        }

        ForEach(Settle, cancellation);
        ForEach(SetData, cancellation);
        ForEach(Join, cancellation);
        Find();
        ForEach(SetPort, cancellation);
        SetDeferred();

        // A port takes over from its bond, and a bridge from its ports.
        ForEach(Settle, cancellation);
        ForEach(AddNames, cancellation);
    }

    /// <summary>Up or down as it was: packets may flow from here on.</summary>
    public void SetFlags(CancellationToken cancellation)
    {
        Find();
        ForEach((link, present) => ChangeFlags(present, link.Flags, (link.Flags ^ present.Flags) & NetworkLinks.SettableFlags), cancellation);
    }

    /// <summary>Adds to the notes what the kernel took and did not do.</summary>
    public void Compare()
    {
        Find();
        ForEach(
            (link, present) =>
            {
                bool isSame = link.Flags == present.Flags && link.Mtu == present.Mtu
                    && (link.Master == 0 || IndexOf(link.Master) is not { } master || master == present.Master)
                    && DataOf(link, LinkKind.Find(link.Kind)?.AtCreation ?? []).TrueForAll(attribute => Has(present.Data, attribute));
                if (!isSame)
                {
                    notes.Add($"link {link.Name} is not as it was");
                }
            },
            CancellationToken.None);
    }

    /// <summary>By its name, as long as its hardware does not say otherwise: virtual machines' links have no permanent address.</summary>
    internal static bool IsSame(NetworkLink link, NetworkLink present) =>
        link.Name == present.Name
        && (link.PermanentAddress.Length == 0 || present.PermanentAddress.Length == 0 || link.PermanentAddress.SequenceEqual(present.PermanentAddress));

    /// <summary>Why a link of hardware is not there.</summary>
    internal static string Obstacle(NetworkLink link, IReadOnlyList<NetworkLink> present)
    {
        string address = string.Join(':', link.PermanentAddress.Select(each => $"{each:x2}"));
        return present.FirstOrDefault(each => address.Length > 0 && each.PermanentAddress.SequenceEqual(link.PermanentAddress)) is { } other
                ? $"its hardware, {address}, is called {other.Name} here"
            : present.Any(each => each.Name == link.Name) ? $"the link of this name is not {address}"
            : "no driver has made it in time";
    }

    private void ForEach(Action<NetworkLink, NetworkLink> step, CancellationToken cancellation)
    {
        foreach (NetworkLink link in wanted.Where(link => _indexes.ContainsKey(link.Index)))
        {
            cancellation.ThrowIfCancellationRequested();
            step(link, _present[link.Name]);
        }
    }

    private void Find()
    {
        _present = NetworkLinks.Read(socket).ToDictionary(link => link.Name, StringComparer.Ordinal);
        _indexes.Clear();
        foreach (NetworkLink link in wanted)
        {
            if (!_present.TryGetValue(link.Name, out NetworkLink? present))
            {
                continue;
            }

            if (link.Origin == LinkOrigin.Virtual && present.Kind != link.Kind)
            {
                throw new LinuxException("make link", link.Name, Errno.EEXIST, $"it is no {link.Kind} here, but {present.Kind ?? "hardware"}");
            }

            if (link.Origin != LinkOrigin.Program || present.Kind == link.Kind)
            {
                _indexes[link.Index] = present.Index;
            }
        }
    }

    /// <summary>Makes what is missing and stands on what is there; false if there is no such thing.</summary>
    private bool MakeSome(CancellationToken cancellation)
    {
        List<NetworkLink> missing = [.. wanted.Where(link => link.Origin == LinkOrigin.Virtual && IndexOf(link.Index) is null && StandsOnWhatIsThere(link))];
        HashSet<int> madeAsPeer = [];
        foreach (NetworkLink link in missing.Where(link => !madeAsPeer.Contains(link.Index)))
        {
            cancellation.ThrowIfCancellationRequested();
            NetworkLink? peer = PeerOf(link);
            int lower = peer is null ? IndexOf(link.Lower) ?? 0 : 0;
            if (!TryMake(link, lower, peer))
            {
                continue;
            }

            undo.Add($"link {link.Name}", () => Unmake(link.Name));
            _made.UnionWith(peer is null ? [link.Index] : [link.Index, peer.Index]);
            if (peer is not null)
            {
                madeAsPeer.Add(peer.Index);
            }
        }

        return missing.Count > 0;
    }

    /// <returns>False where its module, which was loaded for it, came with one of this name: bond0, dummy0.</returns>
    private bool TryMake(NetworkLink link, int lower, NetworkLink? peer)
    {
        try
        {
            NetworkLinks.Make(socket, link, lower, DataOf(link, LinkKind.Find(link.Kind)!.AtCreation), peer);
            return true;
        }
        catch (LinuxException taken) when (taken.Errno == Errno.EEXIST && NetworkLinks.Read(socket).Exists(each => each.Name == link.Name))
        {
            return false;
        }
    }

    private void Unmake(string name)
    {
        if (NetworkLinks.Read(socket).Find(link => link.Name == name) is { } link)
        {
            NetworkLinks.Remove(socket, link.Index, name);
        }
    }

    private bool StandsOnWhatIsThere(NetworkLink link) =>
        PeerOf(link) is not null || link.Lower == 0 || IndexOf(link.Lower) is not null;

    /// <summary>The other end, if it is to be made with this one.</summary>
    private NetworkLink? PeerOf(NetworkLink link) =>
        link.Kind == "veth" ? wanted.FirstOrDefault(other => other.Index == link.Lower && other.Lower == link.Index) : null;

    private void Settle(NetworkLink link, NetworkLink present)
    {
        bool isPort = link.Master != 0;
        SetIf(link.Mtu != present.Mtu, IFLA_MTU, link.Mtu, present.Mtu);
        SetIf(link.QueueLength != present.QueueLength, IFLA_TXQLEN, link.QueueLength, present.QueueLength);
        SetIf(link.Group != present.Group, IFLA_GROUP, link.Group, present.Group);
        if (link.Alias is { } alias && alias != present.Alias)
        {
            Change(RouteAttribute.Of(IFLA_IFALIAS, alias), RouteAttribute.Of(IFLA_IFALIAS, present.Alias ?? ""));
        }

        // A bond decides its ports' addresses; of a link that a program makes, the program does.
        bool isOurs = link.Origin == LinkOrigin.Virtual || (link.Origin == LinkOrigin.Hardware && !isPort);
        if (isOurs && link.Address.Length == present.Address.Length && !link.Address.SequenceEqual(present.Address))
        {
            Change(new RouteAttribute(IFLA_ADDRESS, link.Address), new RouteAttribute(IFLA_ADDRESS, present.Address));
        }

        void SetIf(bool differs, ushort type, uint value, uint former)
        {
            if (differs)
            {
                Change(RouteAttribute.Of(type, value), RouteAttribute.Of(type, former));
            }
        }

        void Change(RouteAttribute attribute, RouteAttribute former)
        {
            NetworkLinks.Set(socket, present.Index, attribute, $"set {NameOf(attribute.Number)} of link", link.Name);
            Remember(link, $"{NameOf(attribute.Number)} of link {link.Name}", () => NetworkLinks.Set(socket, present.Index, former, "restore link", link.Name));
        }
    }

    private static string NameOf(ushort type) => type switch
    {
        IFLA_MTU => "MTU",
        IFLA_TXQLEN => "queue length",
        IFLA_GROUP => "group",
        IFLA_IFALIAS => "alias",
        _ => "hardware address",
    };

    /// <summary>One attribute after the other. What is refused now may be allowed after another one, or with ports.</summary>
    private void SetData(NetworkLink link, NetworkLink present)
    {
        if (link.Origin != LinkOrigin.Virtual || LinkKind.Find(link.Kind) is not { } kind)
        {
            return;
        }

        List<RouteAttribute> differing = [.. DataOf(link, null).Where(attribute => !Has(present.Data, attribute))];
        foreach (RouteAttribute attribute in differing.Where(each => !kind.Late.Contains(each.Number)))
        {
            if (TrySetData(link, present, attribute) is not null)
            {
                _deferred.Add((link, attribute));
            }
        }

        _deferred.AddRange(differing.Where(each => kind.Late.Contains(each.Number)).Select(each => (link, each)));
    }

    /// <summary>
    /// What this kernel does not take is told: a link without one of its settings is better than none. But a bridge that no
    /// longer filters, or a bond with another primary, is another network.
    /// </summary>
    private void SetDeferred()
    {
        List<((NetworkLink Link, RouteAttribute Attribute) Each, LinuxException Refusal)> refused = [];
        for (int before = int.MaxValue; _deferred.Count > 0 && _deferred.Count < before;)
        {
            before = _deferred.Count;
            refused = [.. _deferred.Select(each => (each, TrySetData(each.Link, _present[each.Link.Name], each.Attribute)!)).Where(tried => tried.Item2 is not null)];
            _deferred.Clear();
            _deferred.AddRange(refused.Select(tried => tried.Each));
        }

        if (refused.Find(tried => LinkKind.Find(tried.Each.Link.Kind)!.Late.Contains(tried.Each.Attribute.Number)).Refusal is { } refusal)
        {
            throw refusal;
        }

        notes.AddRange(refused.Select(tried => tried.Refusal.Message));
    }

    private LinuxException? TrySetData(NetworkLink link, NetworkLink present, RouteAttribute attribute)
    {
        try
        {
            NetworkLinks.SetData(socket, present.Index, link.Kind!, attribute, link.Name);
        }
        catch (LinuxException refused)
        {
            return refused;
        }

        RouteAttribute former = NetworkLinks.Settings(present.Data).Find(each => each.Number == attribute.Number);
        if (former.Value is not null)
        {
            Remember(link, $"{link.Kind} attribute {attribute.Number} of link {link.Name}", () => NetworkLinks.SetData(socket, present.Index, link.Kind!, former, link.Name));
        }

        return null;
    }

    /// <summary>Becomes a port of its master.</summary>
    private void Join(NetworkLink link, NetworkLink present)
    {
        if (link.Master == 0 || IndexOf(link.Master) is not { } master || present.Master == master)
        {
            return;
        }

        if ((present.Flags & IFF_UP) != 0 && wanted.Any(each => each.Index == link.Master && LinkKind.Find(each.Kind) is { TakesPortsDown: true }))
        {
            ChangeFlags(present, 0, IFF_UP);
        }

        NetworkLinks.Set(socket, present.Index, RouteAttribute.Of(IFLA_MASTER, (uint)master), "set master of link", link.Name);
        Remember(link, $"master of link {link.Name}", () =>
            NetworkLinks.Set(socket, present.Index, RouteAttribute.Of(IFLA_MASTER, (uint)present.Master), "restore master of link", link.Name));
    }

    private void SetPort(NetworkLink link, NetworkLink present)
    {
        string? masterKind = wanted.FirstOrDefault(each => each.Index == link.Master)?.Kind;
        foreach (RouteAttribute attribute in NetworkLinks.Settings(link.PortData).Where(each => !Has(present.PortData, each)))
        {
            RouteAttribute former = NetworkLinks.Settings(present.PortData).Find(each => each.Number == attribute.Number);
            if (masterKind is null || former.Value is null)
            {
                continue;
            }

            NetworkLinks.SetPortData(socket, present.Index, masterKind, attribute, link.Name);
            Remember(link, $"port {link.Name}", () => NetworkLinks.SetPortData(socket, present.Index, masterKind, former, link.Name));
        }

        if (link.Vlans.Length > 0 && !link.Vlans.SequenceEqual(present.Vlans))
        {
            bool isBridge = link.Kind == "bridge";
            NetworkLinks.ChangeVlans(socket, present.Index, isBridge, present.Vlans, link.Vlans, link.Name);
            Remember(link, $"VLANs of link {link.Name}", () => NetworkLinks.ChangeVlans(socket, present.Index, isBridge, link.Vlans, present.Vlans, link.Name));
        }
    }

    private void AddNames(NetworkLink link, NetworkLink present)
    {
        foreach (string other in link.OtherNames.Except(present.OtherNames, StringComparer.Ordinal))
        {
            try
            {
                NetworkLinks.AddName(socket, present.Index, other, link.Name);
            }
            catch (LinuxException taken) when (taken.Errno == Errno.EEXIST)
            {
                // udev gives hardware its names at the same time.
                continue;
            }

            Remember(link, $"name {other} of link {link.Name}", () => NetworkLinks.RemoveName(socket, present.Index, other, link.Name));
        }
    }

    private void ChangeFlags(NetworkLink present, uint flags, uint mask)
    {
        if (mask != 0)
        {
            NetworkLinks.SetFlags(socket, present.Index, flags, mask, present.Name);
            undo.Add($"flags of link {present.Name}", () => NetworkLinks.SetFlags(socket, present.Index, present.Flags, mask, present.Name));
        }
    }

    /// <summary>A link that we made goes as a whole.</summary>
    private void Remember(NetworkLink link, string what, Action step)
    {
        if (!_made.Contains(link.Index))
        {
            undo.Add(what, step);
        }
    }

    /// <summary>Attributes of its kind with the indexes that links have here, without those whose link is not there.</summary>
    /// <param name="link">A virtual one.</param>
    /// <param name="only">These; null for all.</param>
    private List<RouteAttribute> DataOf(NetworkLink link, ushort[]? only)
    {
        ushort[] indexes = LinkKind.Find(link.Kind)?.Indexes ?? [];
        return
        [
            .. NetworkLinks.Settings(link.Data)
                .Where(each => (only is null || only.Contains(each.Number)) && (!indexes.Contains(each.Number) || IndexOf((int)each.Number32()) is not null))
                .Select(each => indexes.Contains(each.Number) ? RouteAttribute.Of(each.Type, (uint)IndexOf((int)each.Number32())!.Value) : each),
        ];
    }

    private static bool Has(byte[] data, RouteAttribute attribute) =>
        NetworkLinks.Settings(data).Exists(each => each.Number == attribute.Number && each.Value.SequenceEqual(attribute.Value));
}
