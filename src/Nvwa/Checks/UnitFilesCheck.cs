using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>
/// The boot reads unit files anew: a service that is restored goes on as it was started, in a unit that may say something else by then.
/// </summary>
internal sealed class UnitFilesCheck : IWorkloadCheck
{
    public string Name => "unit files";

    public string Fine => "are as systemd has read them";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        if (workload.UnitFiles is not { } files)
        {
            yield break;
        }

        if (files.Transient.Contains(files.Fragment))
        {
            yield return CheckResult.Refuse(
                Name, workload.Name, $"its unit file {files.Fragment} is gone after the boot, and systemd would not know the service", "move it to /etc/systemd/system");
        }
        else if (files.Transient is [var lost, ..])
        {
            yield return CheckResult.Warn(Name, workload.Name, $"{lost} is gone after the boot, with what it sets", "move it to /etc/systemd/system (systemctl edit without --runtime)");
        }

        if (files.IsOutdated)
        {
            yield return CheckResult.Warn(
                Name, workload.Name, "its unit changed on disk since systemd read it: the service comes back as it runs now, its unit as it is on disk",
                "systemctl daemon-reload, and restart the service if it should run with the change");
        }
    }
}
