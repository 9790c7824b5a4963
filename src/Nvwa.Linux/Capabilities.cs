using System.Globalization;

namespace Nvwa.Linux;

/// <summary>The parts of root's power that this process has: capabilities(7). Numbers are the kernel's.</summary>
public static class Capabilities
{
    /// <summary>CAP_NET_ADMIN: nftables.</summary>
    public const int NetAdmin = 12;

    /// <summary>CAP_SYS_PTRACE: descriptors and memory maps of others.</summary>
    public const int SysPtrace = 19;

    /// <summary>CAP_SYS_BOOT: kexec.</summary>
    public const int SysBoot = 22;

    public static bool IsEffective(int capability)
    {
        const string Field = "CapEff:";
        string line = Proc.TryReadLines("/proc/self/status").First(each => each.StartsWith(Field, StringComparison.Ordinal));
        ulong effective = ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (effective & (1UL << capability)) != 0;
    }
}
