using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

/// <summary>What the kernel tells of changes to links, addresses and routes of the calling thread's network namespace.</summary>
internal sealed class RouteEvents : IDisposable
{
    /// <summary>RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE: rtnetlink(7).</summary>
    private const uint Groups = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400;

    private readonly SafeFileHandle _socket = Libc.RouteSocket(Groups);

    /// <summary>Types of the messages (RTM_NEWLINK, ...) so far.</summary>
    public IReadOnlyList<int> Take()
    {
        List<int> types = [];
        byte[] buffer = new byte[64 * 1024];
        while (Libc.TryReceive(_socket, buffer, Libc.MSG_DONTWAIT) > 0)
        {
            types.Add(BitConverter.ToUInt16(buffer, 4));
        }

        return types;
    }

    /// <summary>Returns when the link is up at both ends.</summary>
    public static void AwaitCarrier(string link)
    {
        using LinkChanges changes = new(CancellationToken.None);
        Deadline deadline = new(TimeSpan.FromSeconds(20));
        while (!NetworkNamespace.Run("ip", "link", "show", link).Contains("LOWER_UP", StringComparison.Ordinal))
        {
            Assert.True(changes.Wait(deadline));
        }
    }

    public void Dispose() => _socket.Dispose();
}
