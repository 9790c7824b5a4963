using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Qemu.Tests;

/// <summary>recvmsg(2) with SCM_RIGHTS, as QEMU reads its monitor.</summary>
internal static partial class ReceivedDescriptors
{
    private const int MSG_DONTWAIT = 0x40;
    private const int MSG_CMSG_CLOEXEC = 0x40000000;
    private const int EAGAIN = 11;
    private const int SCM_RIGHTS = 1;

    /// <summary>One byte, and the descriptor that came with it; null if nothing is there yet.</summary>
    /// <exception cref="EndOfStreamException">The peer closed.</exception>
    public static byte? TryRead(Socket socket, List<SafeFileHandle> descriptors)
    {
        byte[] data = new byte[1];
        byte[] control = new byte[64];
        var pinnedData = GCHandle.Alloc(data, GCHandleType.Pinned);
        var pinnedControl = GCHandle.Alloc(control, GCHandleType.Pinned);
        var vector = GCHandle.Alloc(new nint[] { pinnedData.AddrOfPinnedObject(), 1 }, GCHandleType.Pinned);
        try
        {
            // struct msghdr: name, its length, vectors, their count, control, its length, flags.
            nint[] message = [0, 0, vector.AddrOfPinnedObject(), 1, pinnedControl.AddrOfPinnedObject(), control.Length, 0];
            nint received = recvmsg(socket.SafeHandle, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (received == 0)
            {
                throw new EndOfStreamException();
            }

            if (received < 0)
            {
                return Marshal.GetLastPInvokeError() == EAGAIN ? null : throw new IOException($"recvmsg: {Marshal.GetLastPInvokeErrorMessage()}");
            }

            // struct cmsghdr: length 8 | level 4 | type 4 | descriptor 4.
            if (message[5] >= 20 && BitConverter.ToInt32(control, 12) == SCM_RIGHTS)
            {
                descriptors.Add(new SafeFileHandle(BitConverter.ToInt32(control, 16), ownsHandle: true));
            }

            return data[0];
        }
        finally
        {
            vector.Free();
            pinnedControl.Free();
            pinnedData.Free();
        }
    }

    [LibraryImport("libc.so.6", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint recvmsg(SafeHandle socket, [In, Out] nint[] message, int flags);
}
