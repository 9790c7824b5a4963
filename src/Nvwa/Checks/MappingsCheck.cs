using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// What is mapped: devices, rings, System V memory, huge pages; and programs and libraries that were replaced on disk since
/// (an upgrade without a restart): small ones go into the images, large ones cannot.
/// </summary>
internal sealed class MappingsCheck : IWorkloadCheck
{
    public string Name => "mappings";

    public string Fine => "can be dumped; no program or library was replaced on disk";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) => workload.Mappings
        .DistinctBy(mapping => (mapping.Target, mapping.Device, mapping.Inode))
        .Select(mapping => (Mapping: mapping, Kind: ResourceKinds.Of(mapping, workload)))
        .GroupBy(each => each.Kind)
        .Select(group => Finding(workload, group.Key, [.. group.Select(each => each.Mapping)]))
        .OfType<CheckResult>();

    private CheckResult? Finding(KeptWorkload workload, ResourceKind kind, Mapping[] mappings)
    {
        Technique technique = Techniques.Of(kind);
        string more = mappings.Length == 1 ? "" : $" (and {mappings.Length - 1} more like it)";
        string reason = $"{mappings[0].Target} in the memory of process {mappings[0].Pid}{more} {technique.Why}";
        return (kind, technique.Keeping) switch
        {
            (ResourceKind.None, _) => null,
            (ResourceKind.NamelessFile, _) => CheckResult.Warn(
                Name, workload.Name, $"{mappings[0].Target} in the memory of process {mappings[0].Pid}{more} was replaced or removed on disk; the old one goes into the images and is used on",
                "restart the workload to use the new one"),
            (_, Keeping.Impossible) => CheckResult.Refuse(Name, workload.Name, reason, technique.Remedy!),
            (_, Keeping.Conditional) => CheckResult.Warn(Name, workload.Name, reason, technique.Remedy),
            _ => null,
        };
    }
}
