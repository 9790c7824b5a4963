using System.Text.Json;

namespace Nvwa.Linux;

/// <summary>
/// How the network of a host is set up: links, addresses, routes, rules, neighbours, packet filters, sysctls, in the network
/// namespace of the thread that calls. Read on one kernel, written down, and applied on another, before anything else
/// configures the network there.
/// <code>
///   loopback   configured
///   hardware   waited for by name and permanent address, then configured; if it was down and unused, left alone
///   virtual    bond, bridge, VLAN, macvlan, VRF, veth pair, dummy, ifb: made where it is not there
///   program    whose other end or keys a program holds (tun, WireGuard, ends of containers), and tunnels: configured if it is there
/// </code>
/// Not in it: what the kernel does by itself (its own routes, link-local addresses, learnt neighbours, states of protocols), tables
/// of nftables that a process owns, bridges' forwarding entries, traffic control, IPsec, ipsets, offloads and rings (ethtool).
/// </summary>
public sealed class NetworkConfiguration
{
    /// <summary>A full routing table of the Internet is some 200 MiB of this: such a host's routes come from its neighbours.</summary>
    public const int LengthLimit = 64 << 20;

    private const int NameLimit = 15;
    private const int LinkLimit = 1 << 16;

    /// <summary>The kernel's IFALIASZ, MAX_ADDR_LEN, and a message's part.</summary>
    private const int AliasLimit = 255;
    private const int AddressLimit = 32;
    private const int DataLimit = 1 << 14;

    private readonly NetworkSnapshot _snapshot;

    internal NetworkConfiguration(NetworkSnapshot snapshot) => _snapshot = snapshot;

    /// <summary>What was there and is not in it, in words for people.</summary>
    public IReadOnlyList<string> LeftOut => _snapshot.LeftOut;

    /// <summary>Names, by index, of its links that are there when it is applied: those that programs make are not.</summary>
    public IReadOnlyDictionary<int, string> Links => _snapshot.Links.Where(link => link.Origin != LinkOrigin.Program).ToDictionary(link => link.Index, link => link.Name);

    /// <summary>What network managers are to find.</summary>
    public IReadOnlyList<ManagerFile> Managers => _snapshot.Managers;

    internal NetworkSnapshot Snapshot => _snapshot;

    /// <summary>The same with these.</summary>
    public NetworkConfiguration With(IReadOnlyList<ManagerFile> managers) => new(_snapshot with { Managers = managers });

    /// <summary>Reads it as it is. Changes nothing.</summary>
    /// <param name="time">Lifetimes count from its now.</param>
    /// <param name="cancellationToken">Between two questions.</param>
    /// <exception cref="LinuxException">The kernel or a tool refused; or nft's list is not such that nft reads it again.</exception>
    public static Task<NetworkConfiguration> ReadAsync(TimeProvider time, CancellationToken cancellationToken) =>
        Background.RunAsync(() => new NetworkConfiguration(NetworkReader.Read(time, cancellationToken)));

    /// <summary>
    /// Makes the host's network be so. What is so already stays untouched. If a step fails, all steps before it are taken back
    /// before the exception.
    /// </summary>
    /// <param name="patience">How long to wait for links of hardware.</param>
    /// <param name="time">As it was read with: lifetimes end when they would have ended.</param>
    /// <param name="cancellationToken">Ends it, with everything taken back.</param>
    /// <returns>What is not as it was, in words for people: links of programs that are not there yet, settings that this kernel
    /// has not.</returns>
    /// <exception cref="LinuxException">With the step, its subject and the kernel's or tool's words.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<IReadOnlyList<string>> ApplyAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken) =>
        Background.RunAsync(() =>
        {
            // One thread for all of it: children and /proc/sys belong to the namespace of the thread.
            long elapsed = time.GetUtcNow().ToUnixTimeSeconds() - _snapshot.ReadAt;
            using NetworkApplication application = new(_snapshot, (uint)Math.Clamp(elapsed, 0, uint.MaxValue), cancellationToken);
            return application.Run(patience);
        });

    /// <summary>As JSON. It has keys in it (net.ipv4.tcp_fastopen_key, and those of NetworkManager's profiles): nobody but root should read it.</summary>
    /// <exception cref="InvalidDataException">It is longer than what is read again.</exception>
    public byte[] ToBytes()
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(_snapshot, NetworkJson.Default.NetworkSnapshot);
        // What cannot be read again is found out here, and not on the other kernel.
        _ = Parse(bytes);
        return bytes;
    }

    /// <exception cref="InvalidDataException">These bytes are no configuration, or too many.</exception>
    public static NetworkConfiguration Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LengthLimit)
        {
            throw TooLong(bytes.Length);
        }

        try
        {
            NetworkSnapshot snapshot = JsonSerializer.Deserialize(bytes, NetworkJson.Default.NetworkSnapshot)
                ?? throw new InvalidDataException("A network configuration that is null.");
            Check(snapshot);
            return new NetworkConfiguration(snapshot);
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException($"No network configuration: {broken.Message}", broken);
        }
    }

    private static InvalidDataException TooLong(int length) =>
        new($"A network configuration of {length >> 20} MiB, most of it routes: more than {LengthLimit >> 20} MiB are not kept.");

    /// <summary>All that is relied on later without another look.</summary>
    private static void Check(NetworkSnapshot snapshot)
    {
        Refuse(snapshot.Links.Count > LinkLimit, "too many links");
        Refuse(snapshot.Links.Any(link => link is null || !IsName(link.Name) || !link.OtherNames.All(name => name is { Length: > 0 and < 128 })), "a link's name");
        Refuse(snapshot.Links.Any(link => !Enum.IsDefined(link.Origin) || (link.Origin == LinkOrigin.Virtual && LinkKind.Find(link.Kind) is null)), "a link's kind");
        Refuse(snapshot.Links.DistinctBy(link => link.Index).Count() != snapshot.Links.Count, "a link twice");
        Refuse(snapshot.Links.DistinctBy(link => link.Name, StringComparer.Ordinal).Count() != snapshot.Links.Count, "a link twice");
        Refuse(snapshot.Links.Any(link => link.Alias?.Length > AliasLimit || link.Address.Length > AddressLimit), "a link's alias or address");
        Refuse(snapshot.Links.Any(link => Math.Max(link.Data.Length, Math.Max(link.PortData.Length, link.Vlans.Length)) > DataLimit), "a link's data");
        foreach (NetworkLink link in snapshot.Links)
        {
            RouteAttribute.Parse(link.Data);
            RouteAttribute.Parse(link.PortData);
        }

        CheckAll(new AddressObjects(), snapshot.Addresses);
        CheckAll(new NexthopObjects(), snapshot.Nexthops);
        CheckAll(new RouteObjects(), snapshot.Routes);
        CheckAll(new RuleObjects(), snapshot.Rules);
        CheckAll(new NeighbourObjects(), snapshot.Neighbours);
        Refuse(snapshot.Firewall.Xtables.Any(each => each is null || !Firewall.Tools.Contains(each.Tool)), "a filter's tool");
        Refuse(snapshot.Sysctls.Any(each => each.Value is null || !NetworkSysctls.IsValid(each.Key)), "a sysctl");
        Refuse(snapshot.LeftOut.Any(each => each is null), "what was left out");
        Refuse(snapshot.Managers.Any(each => each is null || !Enum.IsDefined(each.Kind) || !IsFileName(each.Name) || each.Content.Length > ManagerFiles.LengthLimit), "a manager's file");
    }

    private static void CheckAll(NetworkObjects kind, IReadOnlyList<byte[]> messages)
    {
        foreach (byte[] message in messages)
        {
            Refuse(message is null, "a message");
            kind.Translate(kind.Parse(message!), index => index);
        }
    }

    private static void Refuse(bool isWrong, string what)
    {
        if (isWrong)
        {
            throw new InvalidDataException($"No network configuration: {what}.");
        }
    }

    private static bool IsFileName(string name) => name.Length is > 0 and < 256 && name is not ("." or "..") && !name.Any(each => each is '/' or '\0');

    /// <summary>What the kernel takes as a name.</summary>
    private static bool IsName(string name) =>
        name.Length is > 0 and <= NameLimit && name is not ("." or "..") && !name.Any(each => each is '/' or ':' || char.IsWhiteSpace(each) || char.IsControl(each));
}
