using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// A socket that systemd holds too (systemd.socket(5)): on the new kernel its unit binds a new one to the same address, before
/// the service comes back with the old one.
/// </summary>
internal sealed class SocketActivationCheck : IWorkloadCheck
{
    public string Name => "socket activation";

    public string Fine => "systemd holds none of its sockets";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        HashSet<string> ofSystemd = [.. ProcFs.DescriptorTargets(host.Init).Where(target => target.StartsWith("socket:", StringComparison.Ordinal))];
        return workload.Files
            .Where(file => ofSystemd.Contains(file.Descriptor.Target))
            .DistinctBy(file => file.Descriptor.Target)
            .Take(1)
            .Select(file => CheckResult.Refuse(
                Name, workload.Name, $"{file.Where} of process {file.Pid} ({file.Protocol} socket) belongs to a .socket unit too, which this version cannot keep",
                "have the service open it by itself: disable the .socket unit and restart the service"));
    }
}
