using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>
/// Regular files that somebody else writes too, as a log of two services: CRIU compares the size at the restore with that at
/// the dump (files-reg.c, "has bad size"), and who starts earlier on the new kernel may have written by then.
/// </summary>
internal sealed class WritersCheck : IWorkloadCheck
{
    public string Name => "writers";

    public string Fine => "nobody else has its files open for writing";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host) => workload.Files
        .Where(file => ResourceKinds.Of(file, workload) == ResourceKind.File)
        .DistinctBy(file => file.Descriptor.Target)
        .Select(file => (File: file, Writer: host.HoldersOutside(workload, file.Descriptor.Target).FirstOrDefault(holder => Writes(holder, file))))
        .Where(shared => shared.Writer is not null)
        .Select(shared => CheckResult.Warn(
            Name, workload.Name,
            $"{shared.File.Path} is open for writing in process {shared.Writer!.Pid} ({shared.Writer.Comm}) too: if its size changes before the workload is back, CRIU cannot restore it",
            "give each a file of its own"));

    private static bool Writes(ProcessInfo holder, OpenFile file) =>
        OpenFile.Of(holder.Pid).Any(other => other.CanWrite && other.Identity.IsSameFile(file.Identity));
}
