using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// From 2.42 glibc guards thread stacks by MADV_GUARD_INSTALL, which kernels have from 6.13 on and CRIU knows from 4.2 on:
/// an older one cannot dump such a process ("Can't splice all pages to pipe").
/// </summary>
internal sealed class LibraryCheck : IWorkloadCheck
{
    private static readonly Version WithGuardPages = new(2, 42);

    public string Name => "C library";

    public string Fine => "is one that this CRIU can dump";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        if (host.Criu.Version >= CriuCheck.KnowsGuardPages || !KernelVersion.IsAtLeast(host.Release, 6, 13))
        {
            yield break;
        }

        foreach (Mapping library in workload.Mappings.Where(IsLibrary).DistinctBy(mapping => mapping.Target))
        {
            if (Glibc.VersionOf($"/proc/{library.Pid}/root{library.Target}") is { } version && version >= WithGuardPages)
            {
                yield return CheckResult.Refuse(
                    Name, workload.Name, $"runs on glibc {version} ({library.Target}), which CRIU {host.Criu.Version} cannot dump on Linux {host.Release}", "install CRIU 4.2 or later");
            }
        }
    }

    private static bool IsLibrary(Mapping mapping) => mapping.IsExecutable && Path.GetFileName(mapping.Target) == "libc.so.6";
}
