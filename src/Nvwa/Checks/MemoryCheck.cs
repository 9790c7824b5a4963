using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>How much a dump copies at most: what is in no file, swapped out and in huge pages.</summary>
internal sealed class MemoryCheck : IWorkloadCheck
{
    public string Name => "memory";

    public string Fine => "";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        long swapped = workload.Tree.Members.Sum(member => member.SwappedBytes);
        string more = swapped > 0 ? $", {swapped >> 20} MiB of it to be read back from swap" : "";
        yield return CheckResult.Pass(Name, workload.Name, $"up to {workload.Bytes >> 20} MiB to be copied{more}");
    }
}
