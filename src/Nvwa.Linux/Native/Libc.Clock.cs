using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>clock_gettime(2).</summary>
internal static partial class Libc
{
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_MONOTONIC = 1;
    public const int CLOCK_BOOTTIME = 7;

    private const long NanosecondsPerSecond = 1_000_000_000;

    public static long Clock(int clock)
    {
        Check(clock_gettime(clock, out TimeSpecification time), "clock_gettime");
        return (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
    }

    /// <summary>struct timespec of a 64-bit system.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int clock_gettime(int clock, out TimeSpecification time);
}
