using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>An address of a network interface.</summary>
/// <param name="Address">Without a scope.</param>
/// <param name="PrefixLength">In bits.</param>
/// <param name="Link">Its name.</param>
/// <param name="Seconds">Until it ends (a lease, a router's prefix); null for never.</param>
public sealed record LinkAddress(IPAddress Address, int PrefixLength, string Link, uint? Seconds = null);

/// <summary>Addresses that this host has, in the network namespace of the calling thread: rtnetlink(7).</summary>
public static class LocalAddresses
{
    /// <summary>For negotiation, and a bridge's listening and learning.</summary>
    private static readonly TimeSpan CarrierPatience = TimeSpan.FromSeconds(40);

    /// <summary>For the kernel's question, which takes it a second or two.</summary>
    private static readonly TimeSpan UniquePatience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A socket can be bound to it. An IPv6 address whose uniqueness is not yet, or was not, established does not count;
    /// any address of a network on the loopback interface does (127.0.0.2), and so do the any addresses.
    /// </summary>
    public static bool Has(IPAddress address) => Missing([address]).Count == 0;

    /// <summary>Those that are not there, in the caller's order.</summary>
    public static IReadOnlyList<IPAddress> Missing(IReadOnlyCollection<IPAddress> addresses)
    {
        using SafeFileHandle socket = Libc.RouteSocket(groups: 0);
        return RouteAddresses.Missing(socket, addresses);
    }

    /// <summary>Those that somebody set, and not the kernel by itself.</summary>
    public static IReadOnlyList<LinkAddress> OfLinks()
    {
        using RouteSocket socket = new();
        var names = NetworkLinks.Read(socket).ToDictionary(link => link.Index, link => link.Name);
        return
        [
            .. new AddressObjects().Read(socket).Where(address => names.ContainsKey(AddressObjects.Link(address)))
                .Select(address => new LinkAddress(
                    new IPAddress(AddressObjects.Own(address)), address.Header[1], names[AddressObjects.Link(address)], AddressObjects.Rest(address))),
        ];
    }

    /// <summary>
    /// Gives it to the link, which is set up if it is down, unless another host on it has the address: IPv4 is asked for here, IPv6
    /// by the kernel, unless it is told not to (accept_dad). That this host has it already is no error.
    /// </summary>
    /// <exception cref="LinuxException">There is no such link (ENODEV), another host has it (EADDRINUSE), or the kernel refused.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task AddAsync(LinkAddress address, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Background.RunAsync(() => Add(address, cancellation));
    }

    private static void Add(LinkAddress address, CancellationToken cancellation)
    {
        using RouteSocket socket = new();
        NetworkLink link = NetworkLinks.Read(socket).Find(link => link.Name == address.Link)
            ?? throw new LinuxException("add address", $"{address.Address} to {address.Link}", Errno.ENODEV);
        AddressObjects addresses = new();
        if (Has(address.Address) || addresses.Read(socket).Exists(other => AddressObjects.Own(other).AsSpan().SequenceEqual(address.Address.GetAddressBytes())))
        {
            // It may still be tentative: whoever has set it knows how it is to be.
            return;
        }

        if ((link.Flags & Rtnetlink.IFF_UP) == 0)
        {
            NetworkLinks.SetFlags(socket, link.Index, Rtnetlink.IFF_UP, Rtnetlink.IFF_UP, link.Name);
        }

        bool isAsked = (link.Flags & Rtnetlink.IFF_NOARP) == 0;
        bool is4 = address.Address.AddressFamily == AddressFamily.InterNetwork;
        using SafeFileHandle? arp = isAsked && is4 ? Libc.ArpSocket(link.Index) : null;
        // Where nothing is at the other end there is nobody to ask.
        bool hasCarrier = isAsked && (arp is not null || !is4) && AwaitCarrier(socket, link.Index, cancellation);
        if (hasCarrier && arp is not null && AddressProbe.FindHolder(arp, link.Address, address.Address.GetAddressBytes(), cancellation) is { } holder)
        {
            throw Taken(address, $"the host with hardware address {holder} has it");
        }

        RouteMessage message = AddressObjects.New(link.Index, address.Address, address.PrefixLength, address.Seconds);
        string words = addresses.Describe(message, _ => link.Name);
        socket.Request(addresses.Make, addresses.FlagsToAdd(message), message, "add", words);
        if (hasCarrier && !is4 && !Wait([address.Address], new Deadline(UniquePatience), cancellation))
        {
            socket.Request(addresses.Unmake, 0, addresses.ToRemove(message), "remove", words);
            throw Taken(address, "another host answers for it");
        }
    }

    private static LinuxException Taken(LinkAddress address, string detail) =>
        new("add address", $"{address.Address} to {address.Link}", Errno.EADDRINUSE, detail);

    private static bool AwaitCarrier(RouteSocket socket, int index, CancellationToken cancellation)
    {
        using LinkChanges changes = new(cancellation);
        Deadline deadline = new(CarrierPatience);
        bool has = NetworkLinks.HasCarrier(socket, index);
        while (!has && changes.Wait(deadline))
        {
            has = NetworkLinks.HasCarrier(socket, index);
        }

        return has;
    }

    /// <summary>
    /// Waits until the host has all of them, on a thread of its own and by the kernel's notifications. False if the
    /// deadline passed before.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<bool> WaitAsync(
        IReadOnlyCollection<IPAddress> addresses, TimeSpan deadline, CancellationToken cancellationToken)
    {
        Deadline end = new(deadline);
        return await Background.RunAsync(() => Wait(addresses, end, cancellationToken)).ConfigureAwait(false);
    }

    private static bool Wait(IReadOnlyCollection<IPAddress> addresses, Deadline deadline, CancellationToken cancellationToken)
    {
        // Subscribed before the first look, so that nothing falls between.
        using SafeFileHandle changes = Libc.RouteSocket(Libc.RTMGRP_IPV4_IFADDR | Libc.RTMGRP_IPV6_IFADDR);
        using SafeFileHandle questions = Libc.RouteSocket(groups: 0);
        using Interruption interruption = new(cancellationToken);
        while (RouteAddresses.Missing(questions, addresses).Count > 0)
        {
            Span<Libc.PollEntry> entries =
            [
                new((int)changes.DangerousGetHandle()), new((int)interruption.Handle.DangerousGetHandle()),
            ];
            if (!Libc.Poll(entries, deadline))
            {
                return false;
            }

            if (entries[1].IsReady)
            {
                throw new OperationCanceledException(cancellationToken);
            }

            Discard(changes);
        }

        return true;
    }

    /// <summary>
    /// Only that something changed is of interest: what, the next look tells. So a lost notification (ENOBUFS) is as good
    /// as any other.
    /// </summary>
    internal static void Discard(SafeFileHandle changes)
    {
        byte[] buffer = new byte[16 * 1024];
        int result;
        do
        {
            result = Libc.TryReceive(changes, buffer, Libc.MSG_DONTWAIT);
        }
        while (result is > 0 or -Errno.ENOBUFS or -Errno.EINTR);
    }
}
