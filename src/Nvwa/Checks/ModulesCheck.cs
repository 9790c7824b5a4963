using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>The new kernel finds its modules: without them no disk, no network, no nftables.</summary>
internal sealed class ModulesCheck : IHostCheck
{
    public string Name => "modules";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Target is not { Version: { } version })
        {
            yield break;
        }

        string tree = Path.Combine(host.Root, "lib/modules", version);
        yield return !Directory.Exists(tree) ? Missing(tree, version)
            : !File.Exists(Path.Combine(tree, "modules.dep")) ? CheckResult.Refuse(Name, tree, "has no modules.dep", $"run depmod {version}")
            : CheckResult.Pass(Name, tree, "is there");
    }

    /// <summary>A kernel without modules needs no tree.</summary>
    private CheckResult Missing(string tree, string version) => CheckResult.Refuse(
        Name, tree, "does not exist: the new kernel would have no modules", $"install the modules of {version}; for a kernel that needs none, make it and run depmod {version}");
}
