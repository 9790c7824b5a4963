using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>nvwa itself may do what an update takes: a container, or a unit that was hardened too far, does not let it.</summary>
internal sealed class CapabilitiesCheck : IHostCheck
{
    private static readonly (int Capability, string Name, string Why)[] Needed =
    [
        (Capabilities.SysBoot, "CAP_SYS_BOOT", "loads and enters the new kernel"),
        (Capabilities.SysPtrace, "CAP_SYS_PTRACE", "reads what processes hold"),
        (Capabilities.NetAdmin, "CAP_NET_ADMIN", "holds packets back"),
    ];

    public string Name => "capabilities";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        (int Capability, string Name, string Why)[] missing = [.. Needed.Where(each => !Capabilities.IsEffective(each.Capability))];
        yield return missing.Length == 0
            ? CheckResult.Pass(Name, "nvwa.service", "has what it needs")
            : CheckResult.Refuse(
                Name, "nvwa.service", $"lacks {string.Join(", ", missing.Select(each => $"{each.Name} ({each.Why})"))}",
                "run it as the package's unit does: as root, not in a container, without CapabilityBoundingSet= that takes these away");
    }
}
