using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Every open file by its kind: what is not kept, what is kept on a condition, and a sum of the rest.</summary>
internal sealed class FilesCheck : IWorkloadCheck
{
    public string Name => "files";

    public string Fine => "none are open";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        (OpenFile File, ResourceKind Kind)[] files = [.. workload.Files.Select(file => (file, ResourceKinds.Of(file, workload)))];
        var findings = files.GroupBy(each => each.Kind).Select(group => Finding(workload, group.Key, [.. group.Select(each => each.File)])).OfType<CheckResult>().ToList();
        return findings.Exists(finding => finding.Verdict >= Verdict.Refuse) || files.Length == 0 ? findings : findings.Append(Sum(workload, files));
    }

    /// <summary>One line for each kind, with the first of them: a workload may have thousands.</summary>
    private CheckResult? Finding(KeptWorkload workload, ResourceKind kind, OpenFile[] files)
    {
        Technique technique = Techniques.Of(kind);
        string more = files.Length == 1 ? "" : $" (and {files.Length - 1} more like it)";
        string reason = $"{files[0].Where} of process {files[0].Pid} ({files[0].Descriptor.Target}){more} {technique.Why}";
        return technique.Keeping switch
        {
            Keeping.Impossible => CheckResult.Refuse(Name, workload.Name, reason, technique.Remedy!),
            Keeping.Conditional => CheckResult.Warn(Name, workload.Name, reason, technique.Remedy),
            _ => null,
        };
    }

    private CheckResult Sum(KeptWorkload workload, IEnumerable<(OpenFile File, ResourceKind Kind)> files) => CheckResult.Pass(
        Name, workload.Name,
        string.Join(", ", files.CountBy(each => Techniques.Of(each.Kind).Name).OrderByDescending(count => count.Value).Select(count => $"{count.Value} {count.Key}")));
}
