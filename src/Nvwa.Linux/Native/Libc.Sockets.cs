using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>socketpair(2), sendmsg(2), socket options and AF_NETLINK sockets.</summary>
internal static partial class Libc
{
    public const uint RTMGRP_LINK = 0x1;
    public const uint RTMGRP_IPV4_IFADDR = 0x10;
    public const uint RTMGRP_IPV6_IFADDR = 0x100;
    public const int MSG_DONTWAIT = 0x40;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int SCM_RIGHTS = 1;

    private const int NETLINK_ROUTE = 0;
    private const int AF_UNIX = 1;
    private const int AF_NETLINK = 16;
    private const int AF_PACKET = 17;
    private const ushort ETH_P_ARP = 0x0806;
    private const ushort ARPHRD_ETHER = 1;
    private const int SOCK_RAW = 3;
    private const int SOCK_SEQPACKET = 5;
    private const int SOCK_CLOEXEC = O_CLOEXEC;
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;
    private const int SHUT_RD = 0;
    private const int SOL_NETLINK = 270;
    private const int NETLINK_CAP_ACK = 10;
    private const int NETLINK_EXT_ACK = 11;

    public static (SafeSocketHandle First, SafeSocketHandle Second) SeqPacketPair()
    {
        Span<int> ends = stackalloc int[2];
        Check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        return (new SafeSocketHandle(ends[0], ownsHandle: true), new SafeSocketHandle(ends[1], ownsHandle: true));
    }

    public static PeerCredentials Peer(SafeHandle handle)
    {
        int length = Marshal.SizeOf<UserCredentials>();
        int result = getsockopt(handle, SOL_SOCKET, SO_PEERCRED, out UserCredentials peer, ref length);
        Check(result, "getsockopt", "SO_PEERCRED");
        return new PeerCredentials(peer.Pid, peer.Uid, peer.Gid);
    }

    /// <summary>Length of the value in the buffer, which may also hold a question; or a negated error number.</summary>
    public static int TryGetOption(SafeHandle handle, int level, int option, Span<byte> buffer)
    {
        int length = buffer.Length;
        return getsockopt(handle, level, option, buffer, ref length) == -1 ? -Marshal.GetLastPInvokeError() : length;
    }

    /// <summary>0, or an error number.</summary>
    public static int TrySetOption(SafeHandle handle, int level, int option, ReadOnlySpan<byte> value) =>
        setsockopt(handle, level, option, value, value.Length) == -1 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>A sockaddr, as long as it is.</summary>
    public static byte[] SocketName(SafeHandle handle)
    {
        // struct sockaddr_storage.
        Span<byte> buffer = stackalloc byte[128];
        int length = buffer.Length;
        Check(getsockname(handle, buffer, ref length), "getsockname");
        return buffer[..Math.Min(length, buffer.Length)].ToArray();
    }

    /// <summary>getpeername(2).</summary>
    public static bool HasPeer(SafeHandle handle)
    {
        Span<byte> buffer = stackalloc byte[128];
        int length = buffer.Length;
        return getpeername(handle, buffer, ref length) == 0;
    }

    public static SafeFileHandle Socket(int family, int type, int protocol) =>
        Owned(Check(socket(family, type | SOCK_CLOEXEC, protocol), "socket"));

    /// <summary>Nothing more is received: after what is there, the end.</summary>
    public static void ShutDownReceiving(SafeHandle handle) => Check(shutdown(handle, SHUT_RD), "shutdown");

    /// <summary>A route netlink socket of the calling thread's network namespace, subscribed to these groups.</summary>
    public static SafeFileHandle RouteSocket(uint groups)
    {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        SafeFileHandle handle = Owned(Check(fd, "socket", "AF_NETLINK"));
        NetlinkAddress address = new() { Family = AF_NETLINK, Groups = groups };
        Check(bind(handle, in address, Marshal.SizeOf<NetlinkAddress>()), "bind", "AF_NETLINK");
        return handle;
    }

    /// <summary>ARP frames of a link, whole ones: packet(7). Null where the link is no Ethernet.</summary>
    public static SafeFileHandle? ArpSocket(int index)
    {
        // struct sockaddr_ll: family 2 | protocol 2 | interface index 4 | hardware type 2 | packet type 1 | length 1 | address 8.
        Span<byte> name = stackalloc byte[20];
        name.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(name, AF_PACKET);
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], ETH_P_ARP);
        BinaryPrimitives.WriteInt32LittleEndian(name[4..], index);
        SafeFileHandle handle = Socket(AF_PACKET, SOCK_RAW, protocol: 0);
        bool isEthernet = false;
        try
        {
            Check(bind(handle, name, name.Length), "bind", "AF_PACKET");
            isEthernet = BinaryPrimitives.ReadUInt16LittleEndian(SocketName(handle).AsSpan(8)) == ARPHRD_ETHER;
        }
        finally
        {
            if (!isEthernet)
            {
                handle.Dispose();
            }
        }

        return isEthernet ? handle : null;
    }

    /// <summary>A refusal comes with the kernel's words, and without the request.</summary>
    public static void WantExtendedAcknowledgements(SafeHandle handle)
    {
        foreach (int option in (ReadOnlySpan<int>)[NETLINK_EXT_ACK, NETLINK_CAP_ACK])
        {
            Check(setsockopt(handle, SOL_NETLINK, option, 1, sizeof(int)), "setsockopt", "SOL_NETLINK");
        }
    }

    public static void Send(SafeHandle handle, ReadOnlySpan<byte> message, string subject) =>
        Check(send(handle, message, (nuint)message.Length, 0), "send", subject);

    /// <summary>Bytes of one message, or a negated error number.</summary>
    public static int TryReceive(SafeHandle handle, Span<byte> buffer, int flags)
    {
        nint count = recv(handle, buffer, (nuint)buffer.Length, flags);
        return count == -1 ? -Marshal.GetLastPInvokeError() : (int)count;
    }

    /// <summary>Bytes sent, with the descriptor, without waiting; or a negated error number.</summary>
    public static int TrySend(SafeHandle socket, ReadOnlySpan<byte> bytes, SafeHandle descriptor)
    {
        using var passed = new Borrowed(descriptor);
        var rights = new Rights { Length = Marshal.SizeOf<Rights>() - sizeof(int), Level = SOL_SOCKET, Type = SCM_RIGHTS, Descriptor = passed.Descriptor };
        var data = GCHandle.Alloc(bytes.ToArray(), GCHandleType.Pinned);
        var control = GCHandle.Alloc(rights, GCHandleType.Pinned);
        var vector = GCHandle.Alloc(new Vector { Base = data.AddrOfPinnedObject(), Length = bytes.Length }, GCHandleType.Pinned);
        try
        {
            var message = new MessageHeader
            {
                Vectors = vector.AddrOfPinnedObject(),
                VectorCount = 1,
                Control = control.AddrOfPinnedObject(),
                ControlLength = Marshal.SizeOf<Rights>(),
            };
            nint sent = sendmsg(socket, in message, MSG_DONTWAIT | MSG_NOSIGNAL);
            return sent == -1 ? -Marshal.GetLastPInvokeError() : (int)sent;
        }
        finally
        {
            vector.Free();
            control.Free();
            data.Free();
        }
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public nint Name;
        public int NameLength;
        public nint Vectors;
        public nint VectorCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public nint Base;
        public nint Length;
    }

    /// <summary>struct cmsghdr with one descriptor, as long as CMSG_SPACE says: cmsg(3).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Rights
    {
        public nint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        public int Padding;
    }

    /// <summary>struct ucred.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct UserCredentials
    {
        public int Pid;
        public uint Uid;
        public uint Gid;
    }

    /// <summary>struct sockaddr_nl.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NetlinkAddress
    {
        public ushort Family;
        public ushort Padding;
        public uint Port;
        public uint Groups;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, Span<int> ends);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int bind(SafeHandle fd, in NetlinkAddress address, int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int bind(SafeHandle fd, ReadOnlySpan<byte> address, int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getsockopt(
        SafeHandle fd, int level, int option, out UserCredentials value, ref int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getsockopt(SafeHandle fd, int level, int option, Span<byte> value, ref int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int setsockopt(SafeHandle fd, int level, int option, ReadOnlySpan<byte> value, int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getsockname(SafeHandle fd, Span<byte> address, ref int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int getpeername(SafeHandle fd, Span<byte> address, ref int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int shutdown(SafeHandle fd, int how);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int setsockopt(SafeHandle fd, int level, int option, in int value, int length);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint send(SafeHandle fd, ReadOnlySpan<byte> buffer, nuint length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint sendmsg(SafeHandle fd, in MessageHeader message, int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint recv(SafeHandle fd, Span<byte> buffer, nuint length, int flags);
}
