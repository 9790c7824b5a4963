using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>A pipe whose other end is with somebody who is not kept: that one is gone on the new kernel.</summary>
internal sealed class PipesCheck : IWorkloadCheck
{
    public string Name => "pipes";

    public string Fine => "none to what is not kept with it";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) => workload.Files
        .Where(file => ResourceKinds.Of(file, workload) == ResourceKind.Pipe)
        .GroupBy(file => file.Descriptor.Target)
        .Select(ends => (Ends: ends, Holders: host.HoldersOutside(workload, ends.Key)))
        .Where(pipe => pipe.Holders.Count > 0)
        .Select(pipe => Shared(workload, [.. pipe.Ends], pipe.Holders[0]));

    private CheckResult Shared(KeptWorkload workload, OpenFile[] ends, ProcessInfo holder)
    {
        string where = $"{ends[0].Where} of process {ends[0].Pid} is a pipe that process {holder.Pid} ({holder.Comm}), which is not kept with it, holds too";
        return ends.Any(end => end.CanRead) && ends.Any(end => end.CanWrite)
            ? CheckResult.Warn(Name, workload.Name, where, "it has both ends itself and goes on; that process does not")
            : CheckResult.Refuse(Name, workload.Name, where, "let it read and write files, a socket or the journal instead, or keep both as one tree");
    }
}
