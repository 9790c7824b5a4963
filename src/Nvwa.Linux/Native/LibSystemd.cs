namespace Nvwa.Linux;

/// <summary>
/// Calls into libsystemd, one file per group. A raw import is private beside its wrapper. Two failures that never mix:
/// what the peer refused is a <see cref="SystemdException"/>, a broken transport is a <see cref="LinuxException"/>.
/// The variadic functions are not used: what they do is spelled out with append, open and close, which have one shape.
/// </summary>
internal static partial class LibSystemd
{
    private const string Library = "libsystemd.so.0";

    /// <summary>libsystemd returns a negated error number; it does not set errno.</summary>
    private static int Check(int result, string operation, string? subject = null) =>
        result < 0 ? throw new LinuxException(operation, subject, -result) : result;

    /// <summary>Zero stands for "the default" in sd-bus, and no span of ours means that.</summary>
    private static ulong Microseconds(TimeSpan span) =>
        span == Timeout.InfiniteTimeSpan ? ulong.MaxValue : (ulong)Math.Max(1, span.TotalMicroseconds);
}
