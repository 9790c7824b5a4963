namespace Nvwa.Linux;

/// <summary>Clocks of the kernel: clock_gettime(2). Nanoseconds.</summary>
public static class Clocks
{
    /// <summary>
    /// CLOCK_BOOTTIME: since this kernel started, suspension included. A new kernel begins again at zero.
    /// </summary>
    public static long Boottime() => Libc.Clock(Libc.CLOCK_BOOTTIME);

    /// <summary>CLOCK_MONOTONIC of this process's time namespace, without suspension.</summary>
    public static long Monotonic() => Libc.Clock(Libc.CLOCK_MONOTONIC);

    /// <summary>
    /// CLOCK_REALTIME: since 1970. After kexec it begins at the RTC's whole second, so it can jump by a second.
    /// </summary>
    public static long Realtime() => Libc.Clock(Libc.CLOCK_REALTIME);
}
