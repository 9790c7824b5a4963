using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// System V semaphores and message queues that somebody outside used last, too: each would go on with a set of its own. Of
/// memory <see cref="SharedMemoryCheck"/> knows it by who has mapped it.
/// </summary>
internal sealed class SystemVCheck : IWorkloadCheck
{
    public string Name => "System V";

    public string Fine => "no objects that others use";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) =>
        from each in workload.SystemV
        where each.Kind != SystemVKind.Shm
        from user in each.Users
        where !workload.Has(user)
        let other = host.Processes.Find(user)
        where other is not null
        select CheckResult.Refuse(
            Name, workload.Name,
            $"{Techniques.Of(KindOf(each)).Name} {each.Id} is used by process {other.Pid} ({other.Comm}) as well, which is not kept with it",
            "name the process above both of them, or stop that process");

    private static ResourceKind KindOf(SystemVObject each) => each.Kind == SystemVKind.Sem ? ResourceKind.SysVSemaphores : ResourceKind.SysVMessageQueue;
}
