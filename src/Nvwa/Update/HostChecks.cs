namespace Nvwa.Update;

/// <summary>What the running kernel has besides the usual.</summary>
internal static class HostChecks
{
    /// <summary>A kernel of openEuler's, booted with <c>quickkexec=</c>, shows the memory that it set aside.</summary>
    public static bool HasQuickKexec() => File.ReadLines("/proc/iomem").Any(line => line.EndsWith(": Quick kexec", StringComparison.Ordinal));
}
