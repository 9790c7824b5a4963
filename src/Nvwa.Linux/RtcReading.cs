namespace Nvwa.Linux;

/// <summary>The real-time clock began a second, and the running kernel's boot clock showed this.</summary>
/// <param name="RtcSeconds">Since 1970, as the RTC counts (its time zone cancels out between two readings).</param>
/// <param name="BoottimeNanoseconds"><see cref="Clocks.Boottime"/> of the kernel that read it.</param>
public readonly record struct RtcReading(long RtcSeconds, long BoottimeNanoseconds);
