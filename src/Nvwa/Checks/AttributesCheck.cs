using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// What CRIU does not save of threads: they come back with what CRIU was started with, which is what their unit says, or else
/// what init has.
/// </summary>
internal sealed class AttributesCheck : IWorkloadCheck
{
    public string Name => "attributes";

    public string Fine => "come back with its threads";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        ThreadAttributes usual = ThreadAttributes.Of(host.Init) ?? throw new InvalidDataException($"process {host.Init} cannot be read");
        var threads = workload.Tree.Members.SelectMany(member => member.Threads)
            .Select(thread => (thread, ThreadAttributes.Of(thread)))
            .Where(each => each.Item2 is not null)
            .ToDictionary(each => each.thread, each => each.Item2!);
        return new[]
        {
            Finding(workload, ResourceKind.Affinity, threads.Where(each => each.Value.Processors != usual.Processors)),
            Finding(workload, ResourceKind.IoPriority, threads.Where(each => each.Value.IoPriority != usual.IoPriority)),
            // Realtime threads have none.
            Finding(workload, ResourceKind.TimerSlack, threads.Where(each => each.Value.TimerSlack != usual.TimerSlack && each.Value.TimerSlack != 0)),
        }.OfType<CheckResult>();
    }

    private CheckResult? Finding(KeptWorkload workload, ResourceKind kind, IEnumerable<KeyValuePair<int, ThreadAttributes>> threads)
    {
        int[] numbers = [.. threads.Select(each => each.Key)];
        string more = numbers.Length == 1 ? "" : $" (and {numbers.Length - 1} more)";
        return numbers.Length == 0
            ? null
            : CheckResult.Warn(Name, workload.Name, $"thread {numbers[0]}{more} {Techniques.Of(kind).Why}", Techniques.Of(kind).Remedy);
    }
}
