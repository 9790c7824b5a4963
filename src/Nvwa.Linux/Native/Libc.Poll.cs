using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>poll(2) and eventfd(2).</summary>
internal static partial class Libc
{
    public const short POLLIN = 1;

    private const int EFD_CLOEXEC = O_CLOEXEC;
    private const int EFD_NONBLOCK = O_NONBLOCK;

    /// <summary>Waits until one of the entries has something, or the deadline has passed: then false.</summary>
    public static bool Poll(Span<PollEntry> entries, Deadline deadline)
    {
        while (true)
        {
            int count = poll(entries, (nuint)entries.Length, deadline.RemainingMilliseconds);
            if (count > 0)
            {
                return true;
            }

            if (count == -1 && Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw Failure("poll", null);
            }

            if (deadline.RemainingMilliseconds == 0)
            {
                return false;
            }
        }
    }

    public static SafeFileHandle EventDescriptor() => Owned(Check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));

    /// <summary>struct pollfd. A negative descriptor is passed over.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry(int descriptor)
    {
        public int Descriptor = descriptor;
        public short Events = POLLIN;
        public short Happened;

        /// <summary>Readable, at its end, or broken: reading tells which.</summary>
        public readonly bool IsReady => Happened != 0;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int poll(Span<PollEntry> entries, nuint count, int milliseconds);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);
}
