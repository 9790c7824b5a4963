using Nvwa.Core.Checks;
using Nvwa.Core.Kernel;

namespace Nvwa.Checks;

/// <summary>
/// The running kernel's parameters go over to the new one; they must be those of a kernel that boots by itself, and what
/// is added must not take away what the host needs.
/// </summary>
internal sealed class ParametersCheck : IHostCheck
{
    /// <summary>Where the root file system is, or who finds it: root=, Ceph and NFS roots, live systems, verity.</summary>
    private static readonly string[] FindRoot = ["root", "boot", "nfsroot", "systemd.verity_root_data", "usrhash", "roothash"];

    /// <summary>Addresses and sizes that must stay as they are for memory that survives.</summary>
    private static readonly string[] Memory = ["memmap", "mem", "kho_scratch", "reserve_mem", "pinmemory", "quickkexec"];

    public string Name => "parameters";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Target is null)
        {
            yield break;
        }

        var added = KernelCommandLine.Parse(host.Append);
        CheckResult[] findings = [.. Root(host), .. Memory.Where(added.Has).Select(name => Changed(name, added, host.CommandLine)).OfType<CheckResult>(), .. Bands(added)];
        foreach (CheckResult finding in findings.DefaultIfEmpty(CheckResult.Pass(Name, "command line", "the running kernel's parameters are carried over")))
        {
            yield return finding;
        }
    }

    private IEnumerable<CheckResult> Root(HostFacts host)
    {
        if (!FindRoot.Any(host.CommandLine.Has) && !FindRoot.Any(KernelCommandLine.Parse(host.Append).Has))
        {
            yield return CheckResult.Warn(
                Name, "root=", "the running kernel was not told its root file system, so the new one will not be either",
                "fine where the initrd or GPT names it; otherwise give --append root=...");
        }
    }

    private CheckResult? Changed(string name, KernelCommandLine added, KernelCommandLine running) =>
        added.Value(name) == running.Value(name)
            ? null
            : CheckResult.Warn(Name, $"{name}=", "changes where memory lies: what is in memory that should survive will be lost", "leave it as it is, or have no images in it");

    private IEnumerable<CheckResult> Bands(KernelCommandLine added)
    {
        if (added.Has("sysctl.kernel.pid_max") || added.Has("sysctl.kernel.ns_last_pid"))
        {
            yield return CheckResult.Warn(Name, "sysctl.kernel.pid_max=, ns_last_pid=", "are chosen by nvwa, so that the PIDs of what is kept stay free; yours are left out", "leave them out of --append");
        }
    }
}
