using Nvwa.Core.Checks;
using Nvwa.Core.Kernel;

namespace Nvwa.Checks;

/// <summary>
/// CRIU compares the processor's features at the restore with those at the dump (cpu.c): registers that were saved need a
/// kernel that still turns them on.
/// </summary>
internal sealed class ProcessorCheck : IHostCheck
{
    /// <summary>They turn features off; most act on the layout of saved registers. kernel-parameters.rst.</summary>
    private static readonly string[] TurnOff =
        ["clearcpuid", "noxsave", "noxsaveopt", "noxsaves", "nofxsr", "nofsgsbase", "nopku", "no387", "nousershstk", "arm64.nosve", "arm64.nosme", "arm64.nopauth", "arm64.nomte", "arm64.nobti", "dis_ucode_ldr"];

    public string Name => "processor";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Target is null)
        {
            yield break;
        }

        var added = KernelCommandLine.Parse(host.Append);
        string[] changed = [.. TurnOff.Where(name => added.Has(name) && (!host.CommandLine.Has(name) || added.Value(name) != host.CommandLine.Value(name)))];
        yield return changed.Length == 0
            ? CheckResult.Pass(Name, "features", "the same parameters on both kernels")
            : CheckResult.Warn(
                Name, string.Join(", ", changed), "turns off features of the processor that what is kept may use: CRIU would refuse to restore it",
                "leave it out, or give it at an ordinary reboot");
    }
}
