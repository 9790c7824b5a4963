using Nvwa.Core.Checks;
using Nvwa.Update;

namespace Nvwa.Checks;

/// <summary>Switches of openEuler's kernels: accepted everywhere, honoured where the kernel has them.</summary>
internal sealed class SwitchesCheck : IHostCheck
{
    public string Name => "switches";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Restore.EnableQuickKexec && !HostChecks.HasQuickKexec())
        {
            yield return CheckResult.Warn(Name, "enable_quick_kexec", "this kernel has no quick kexec; the update goes on without");
        }

        if (host.Restore.EnablePinMemory)
        {
            string why = File.Exists("/dev/pinmem") ? "this version of nvwa does not use pin memory" : "this kernel has no pin memory";
            yield return CheckResult.Warn(Name, "enable_pin_memory", $"{why}; the update goes on without");
        }
    }
}
