using Nvwa.Core.Checks;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>
/// CRIU is there, accepts this kernel, and is recent enough for it, for the new one and for the workloads:
/// <code>
///   kernel 6.13 and later   CRIU 4.1   vvar_vclock: an older one gives up on the vDSO
///   kernel 6.16 and later   CRIU 4.2   SO_PASSCRED is for unix sockets only; an older one asks TCP sockets for it
///   glibc 2.42 and later    CRIU 4.2   guard pages in thread stacks (where the kernel is 6.13 or later): <see cref="LibraryCheck"/>
///   MADV_WIPEONFORK         CRIU 4.2   an older one loses it: <see cref="WipedMemoryCheck"/>
/// </code>
/// </summary>
internal sealed class CriuCheck : IHostCheck
{
    public static readonly Version KnowsGuardPages = new(4, 2);
    public static readonly Version KnowsWipedMemory = new(4, 2);

    private const string Install = "install criu, or correct 'criu_exe' in nvwa-server.yaml";
    private static readonly Version KnowsVclock = new(4, 1);
    private static readonly Version KnowsPassCred = new(4, 2);

    public string Name => "criu";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        string criu = host.Server.CriuExe;
        if (host.Workloads.Count == 0 && host.Restore.Machines.Count > 0)
        {
            yield return CheckResult.Pass(Name, criu, "is not needed: only virtual machines are kept");
            yield break;
        }

        (Version? version, string? problem, string? complaint) = host.Criu;
        if (problem is not null)
        {
            yield return CheckResult.Refuse(Name, criu, problem, Install);
            yield break;
        }

        bool hasSockets = host.Workloads.Any(workload => KeptSockets.Endpoints(workload.Pids).Count > 0);
        yield return hasSockets && IsTooOld(host.Release, 6, 16, KnowsPassCred)
                ? CheckResult.Refuse(Name, criu, $"is version {version}, which cannot dump TCP sockets on Linux {host.Release}", "install CRIU 4.2 or later")
            : complaint is not null
                ? CheckResult.Refuse(Name, criu, $"version {version} does not accept this kernel: {complaint}", "see 'criu check'; a newer CRIU may be needed")
            : IsTooOld(host.Release, 6, 13, KnowsVclock) || (host.Version is { } target && IsTooOld(target, 6, 13, KnowsVclock))
                ? CheckResult.Refuse(Name, criu, $"is version {version}, which does not know Linux 6.13 and later", "install CRIU 4.1 or later")
            : version < KnowsVclock
                ? CheckResult.Warn(Name, criu, $"is version {version}, with which nvwa was never tried", "install CRIU 4.1 or later")
            : hasSockets && host.Version is { } next && IsTooOld(next, 6, 16, KnowsPassCred)
                ? CheckResult.Warn(Name, criu, $"is version {version}: it can restore on Linux {next}, but not dump TCP sockets there for the update after this", "install CRIU 4.2 or later")
            : CheckResult.Pass(Name, criu, $"is version {version} and accepts this kernel");

        bool IsTooOld(string release, int major, int minor, Version needed) => version < needed && KernelVersion.IsAtLeast(release, major, minor);
    }
}
