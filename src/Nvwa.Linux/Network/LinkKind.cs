using System.Buffers.Binary;

namespace Nvwa.Linux;

/// <summary>
/// What has to be known of a kind of virtual link to make one like another. Everything else of its data is set one attribute
/// at a time, where the new link's differs.
/// </summary>
/// <param name="Name">IFLA_INFO_KIND.</param>
internal sealed record LinkKind(string Name)
{
    // linux/if_link.h
    private const ushort IFLA_BOND_MODE = 1;
    private const ushort IFLA_BOND_ACTIVE_SLAVE = 2;
    private const ushort IFLA_BOND_PRIMARY = 11;
    private const ushort IFLA_BOND_AD_INFO = 23;
    private const ushort IFLA_BOND_SLAVE_QUEUE_ID = 5;
    private const ushort IFLA_BOND_SLAVE_PRIO = 9;
    private const ushort IFLA_BR_VLAN_FILTERING = 7;
    private const ushort IFLA_BR_ROOT_ID = 10;
    private const ushort IFLA_BR_GC_TIMER = 19;
    private const ushort IFLA_BR_FDB_FLUSH = 21;
    private const ushort IFLA_BR_PAD = 40;
    private const ushort IFLA_BR_MULTI_BOOLOPT = 46;
    private const ushort IFLA_BR_MCAST_QUERIER_STATE = 47;
    private const ushort IFLA_BR_FDB_N_LEARNED = 48;
    private const ushort IFLA_MACVLAN_MODE = 1;
    private const ushort IFLA_MACVLAN_FLAGS = 2;
    private const ushort IFLA_MACVLAN_BC_QUEUE_LEN = 7;
    private const ushort IFLA_MACVLAN_BC_CUTOFF = 9;
    private const ushort IFLA_VLAN_FLAGS = 2;
    private const ushort IFLA_VLAN_LAST = 5;

    /// <summary>VLAN_FLAG_REORDER_HDR of linux/if_vlan.h, which a new one has.</summary>
    private const uint ReorderHeader = 1;
    private const ushort IFLA_VRF_TABLE = 1;

    private static readonly LinkKind[] All =
    [
        new("bond")
        {
            AtCreation = [IFLA_BOND_MODE],
            Read = [IFLA_BOND_ACTIVE_SLAVE, IFLA_BOND_AD_INFO],
            Late = [IFLA_BOND_PRIMARY],
            Indexes = [IFLA_BOND_PRIMARY],
            OfPorts = [IFLA_BOND_SLAVE_QUEUE_ID, IFLA_BOND_SLAVE_PRIO],
            TakesPortsDown = true,
        },
        new("bridge")
        {
            Masked = [IFLA_BR_MULTI_BOOLOPT],
            Read = [.. Numbers(IFLA_BR_ROOT_ID, IFLA_BR_GC_TIMER), IFLA_BR_FDB_FLUSH, IFLA_BR_PAD, IFLA_BR_MCAST_QUERIER_STATE, IFLA_BR_FDB_N_LEARNED],

            // A filter that is on refuses changes of what it filters by.
            Late = [IFLA_BR_VLAN_FILTERING],

            // IFLA_BRPORT_PRIORITY to _PROXYARP, _PROXYARP_WIFI, _MULTICAST_ROUTER, _MCAST_FLOOD to _ISOLATED,
            // _MCAST_EHT_HOSTS_LIMIT, _LOCKED, _MAB, _MCAST_MAX_GROUPS, _NEIGH_VLAN_SUPPRESS: not what spanning tree finds out.
            OfPorts = [.. Numbers(2, 10), 12, 25, .. Numbers(27, 33), 37, 39, 40, 42, 43],
        },
        new("vlan") { AtCreation = Numbers(1, IFLA_VLAN_LAST), Masked = [IFLA_VLAN_FLAGS], OnFromTheStart = ReorderHeader, FollowsLower = true },
        new("macvlan") { AtCreation = [IFLA_MACVLAN_MODE, IFLA_MACVLAN_FLAGS, IFLA_MACVLAN_BC_QUEUE_LEN, IFLA_MACVLAN_BC_CUTOFF] },
        new("vrf") { AtCreation = [IFLA_VRF_TABLE] },
        new("veth"),
        new("dummy"),
        new("ifb"),
    ];

    /// <summary>Attributes that a link of this kind is made with.</summary>
    public ushort[] AtCreation { get; private init; } = [];

    /// <summary>Attributes that are flags and a mask of those to change. The kernel shows a mask of all bits, and refuses those that it does not know.</summary>
    public ushort[] Masked { get; private init; } = [];

    /// <summary>Flags of these that a new link has.</summary>
    public uint OnFromTheStart { get; private init; }

    /// <summary>Attributes that only the kernel sets.</summary>
    public ushort[] Read { get; private init; } = [];

    /// <summary>Attributes that are set when the ports are there.</summary>
    public ushort[] Late { get; private init; } = [];

    /// <summary>Attributes that are the index of another link.</summary>
    public ushort[] Indexes { get; private init; } = [];

    /// <summary>Attributes of its ports that are set from outside.</summary>
    public ushort[] OfPorts { get; private init; } = [];

    /// <summary>A link must be down to become its port, and is set up by it.</summary>
    public bool TakesPortsDown { get; private init; }

    /// <summary>Its hardware address is the lower link's unless it was set.</summary>
    public bool FollowsLower { get; private init; }

    /// <returns>Null where no other program's link of this kind can be made again.</returns>
    public static LinkKind? Find(string? name) => Array.Find(All, each => each.Name == name);

    /// <summary>As it is written, where it was read.</summary>
    public RouteAttribute ToWrite(RouteAttribute attribute)
    {
        if (!Masked.Contains(attribute.Number) || attribute.Value.Length != 2 * sizeof(uint))
        {
            return attribute;
        }

        byte[] value = [.. attribute.Value];
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(sizeof(uint)), BinaryPrimitives.ReadUInt32LittleEndian(value) | OnFromTheStart);
        return attribute with { Value = value };
    }

    private static ushort[] Numbers(int first, int last) => [.. Enumerable.Range(first, last - first + 1).Select(each => (ushort)each)];
}
