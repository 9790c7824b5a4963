using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Nvwa.Criu.Tests;

/// <summary>socketpair(2), as a caller of the library makes it.</summary>
internal static partial class SocketPair
{
    public const int Stream = 1;
    public const int SeqPacket = 5;

    private const int UnixFamily = 1;
    private const int CloseOnExec = 0x80000;

    public static (SafeSocketHandle Ours, SafeSocketHandle Theirs) Create(int type = SeqPacket)
    {
        Span<int> ends = stackalloc int[2];
        if (NativeSocketPair(UnixFamily, type | CloseOnExec, 0, ref MemoryMarshal.GetReference(ends)) != 0)
        {
            throw new InvalidOperationException($"socketpair: errno {Marshal.GetLastPInvokeError()}");
        }

        return (new SafeSocketHandle(ends[0], ownsHandle: true), new SafeSocketHandle(ends[1], ownsHandle: true));
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int NativeSocketPair(int domain, int type, int protocol, ref int ends);
}
