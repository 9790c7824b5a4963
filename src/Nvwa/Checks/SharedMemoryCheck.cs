using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>Memory without a file on disk that somebody outside maps too: each would go on with a copy of its own.</summary>
internal sealed class SharedMemoryCheck : IWorkloadCheck
{
    public string Name => "shared memory";

    public string Fine => "none with what is not kept with it";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) => workload.Mappings
        .Where(mapping => mapping.IsShared && ResourceKinds.Of(mapping, workload) is ResourceKind.SharedMemory or ResourceKind.MemoryFile or ResourceKind.NamelessFile or ResourceKind.FileInMemory or ResourceKind.HugePages or ResourceKind.SysVSharedMemory)
        .DistinctBy(mapping => (mapping.Device, mapping.Inode))
        .Select(mapping => (Mapping: mapping, Sharers: host.SharersOutside(workload, mapping)))
        .Where(shared => shared.Sharers.Count > 0)
        .Select(shared => CheckResult.Refuse(
            Name, workload.Name,
            $"{shared.Mapping.Target} in the memory of process {shared.Mapping.Pid} is shared with process {shared.Sharers[0].Pid} ({shared.Sharers[0].Comm}), which is not kept with it",
            "name the process above both of them, or stop that process"));
}
