using System.Runtime.InteropServices;

// The loader's own directories only: never the directory of the executable.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace Nvwa.Linux;

/// <summary>
/// Calls into the C library, one file per group. A raw import is private beside its wrapper, and the wrapper turns -1
/// into a <see cref="LinuxException"/>; what callers need to tell apart comes back as a value instead.
/// </summary>
internal static partial class Libc
{
    private const string Library = "libc.so.6";

    private static int Check(int result, string operation, string? subject = null) =>
        result == -1 ? throw Failure(operation, subject) : result;

    private static long Check(long result, string operation, string? subject = null) =>
        result == -1 ? throw Failure(operation, subject) : result;

    /// <summary>The error of the last import on this thread that was declared with SetLastError.</summary>
    private static LinuxException Failure(string operation, string? subject) =>
        new(operation, subject, Marshal.GetLastPInvokeError());

    /// <summary>The same, for calls that return the error number itself.</summary>
    private static void CheckNumber(int errno, string operation, string? subject = null)
    {
        if (errno != 0)
        {
            throw new LinuxException(operation, subject, errno);
        }
    }
}
