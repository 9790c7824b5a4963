using System.Text.Json.Serialization;

namespace Nvwa.Linux;

/// <summary>
/// What a <see cref="NetworkConfiguration"/> holds. Messages are bodies of rtnetlink(7) as one kernel said them and another can
/// be told them, without what is counted, timed or decided by the kernel itself; they name links by the index that these had.
/// </summary>
/// <param name="ReadAt">Unix time in seconds: lifetimes count from here.</param>
/// <param name="Links">Lower ones before those that stand on them.</param>
/// <param name="Addresses">See <see cref="AddressObjects"/>; in the order in which they are to be added.</param>
/// <param name="Nexthops">See <see cref="NexthopObjects"/>.</param>
/// <param name="Routes">See <see cref="RouteObjects"/>.</param>
/// <param name="Rules">See <see cref="RuleObjects"/>: all of them, also those that the kernel begins with.</param>
/// <param name="Neighbours">See <see cref="NeighbourObjects"/>.</param>
/// <param name="Firewall">nftables and iptables.</param>
/// <param name="Sysctls">By path below /proc/sys/net.</param>
/// <param name="LeftOut">What was there and is not in here, in words.</param>
/// <param name="Managers">What network managers are to find: <see cref="ManagerFiles"/>.</param>
internal sealed record NetworkSnapshot(
    long ReadAt,
    IReadOnlyList<NetworkLink> Links,
    IReadOnlyList<byte[]> Addresses,
    IReadOnlyList<byte[]> Nexthops,
    IReadOnlyList<byte[]> Routes,
    IReadOnlyList<byte[]> Rules,
    IReadOnlyList<byte[]> Neighbours,
    FirewallRules Firewall,
    IReadOnlyDictionary<string, string> Sysctls,
    IReadOnlyList<string> LeftOut,
    IReadOnlyList<ManagerFile> Managers);

/// <summary>A network interface.</summary>
/// <param name="Index">On the kernel that it was read from.</param>
/// <param name="Name">At most 15 bytes.</param>
/// <param name="Origin">Who makes it.</param>
/// <param name="Kind">The kernel's name of its driver where it is virtual: <see cref="LinkKind"/>; otherwise null.</param>
/// <param name="Flags">IFF_..., those that are set from outside.</param>
/// <param name="Address">Of its hardware, as it was set.</param>
/// <param name="PermanentAddress">Of its hardware, as it was made; empty if it has none.</param>
/// <param name="Lower">Index of the link that it stands on, or of a pair's other end; 0 for none.</param>
/// <param name="Master">Index of the bond, bridge or VRF that it is a port of; 0 for none.</param>
/// <param name="Mtu">In bytes.</param>
/// <param name="QueueLength">In packets.</param>
/// <param name="Group">A number: ip-link(8).</param>
/// <param name="Alias">Words for people.</param>
/// <param name="OtherNames">Its alternative names.</param>
/// <param name="Data">Attributes of its kind.</param>
/// <param name="PortData">Attributes that its master's kind keeps for it.</param>
/// <param name="Vlans">Each struct bridge_vlan_info of a port, or of the bridge itself.</param>
internal sealed record NetworkLink(
    int Index,
    string Name,
    LinkOrigin Origin,
    string? Kind,
    uint Flags,
    byte[] Address,
    byte[] PermanentAddress,
    int Lower,
    int Master,
    uint Mtu,
    uint QueueLength,
    uint Group,
    string? Alias,
    IReadOnlyList<string> OtherNames,
    byte[] Data,
    byte[] PortData,
    byte[] Vlans);

/// <summary>Who makes a link.</summary>
internal enum LinkOrigin
{
    /// <summary>The kernel, in each network namespace: lo.</summary>
    Loopback = 1,

    /// <summary>A driver that finds a device: it is waited for.</summary>
    Hardware = 2,

    /// <summary>We can, as somebody once did by rtnetlink: VLANs, bridges, bonds.</summary>
    Virtual = 3,

    /// <summary>A program that keeps the link's other end or its keys. It is configured if it is there.</summary>
    Program = 4,
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(NetworkSnapshot))]
internal sealed partial class NetworkJson : JsonSerializerContext;
