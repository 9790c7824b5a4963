using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Another kernel may be loaded.</summary>
internal sealed class KexecCheck : IHostCheck
{
    public string Name => "kexec";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        yield return Kexec.IsDisabled
            ? CheckResult.Refuse(Name, "kernel.kexec_load_disabled", "is 1: this kernel loads no other until a reboot", "reboot with kernel.kexec_load_disabled=0")
            : Kexec.HasFileLoad ? CheckResult.Pass(Name, "kexec_file_load", "is enabled")
            : File.Exists(host.Server.KexecExe) ? CheckResult.Warn(Name, "kexec_file_load", $"is not in this kernel; {host.Server.KexecExe} is used, which checks no signatures")
            : CheckResult.Refuse(Name, host.Server.KexecExe, "does not exist, and this kernel has no kexec_file_load", "install kexec-tools, or correct 'kexec_exe' in nvwa-server.yaml");
    }
}
