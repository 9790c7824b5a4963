using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Lab.Native;

internal static partial class Libc
{
    public const int SIGTERM = 15;

    private const int CLONE_NEWNET = 0x40000000;

    /// <summary>Moves the calling thread, and what it starts or opens from here on, into a network namespace. See setns(2).</summary>
    public static void EnterNetwork(SafeFileHandle network, string subject)
    {
        if (setns(network, CLONE_NEWNET) != 0)
        {
            throw new LabException($"setns {subject}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setns(SafeFileHandle fd, int nstype);
}
