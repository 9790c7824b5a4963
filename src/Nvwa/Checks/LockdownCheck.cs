using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Under lockdown, which Secure Boot turns on, the running kernel takes only a kernel with a signature that it trusts.</summary>
internal sealed class LockdownCheck : IHostCheck
{
    public string Name => "lockdown";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        yield return Of(Lockdown.Level, Lockdown.IsSecureBoot, Kexec.HasFileLoad, host.Target is { } image ? KernelHeader.Read(image.Kernel).IsSigned : null, host.Target?.Kernel);
    }

    /// <param name="level">Null for a kernel without lockdown.</param>
    /// <param name="isSecureBoot">UEFI's.</param>
    /// <param name="hasFileLoad">The call that can verify.</param>
    /// <param name="isSigned">Null if no kernel was named.</param>
    /// <param name="kernel">The image.</param>
    public CheckResult Of(string? level, bool isSecureBoot, bool hasFileLoad, bool? isSigned, string? kernel) => (level is null or "none", isSigned) switch
    {
        (true, _) => CheckResult.Pass(Name, "lockdown", isSecureBoot ? "is off, although Secure Boot is on" : "is off"),
        _ when !hasFileLoad => CheckResult.Refuse(Name, "lockdown", $"is {level}, and this kernel cannot verify another one (no kexec_file_load)", "turn off Secure Boot, or use a kernel with CONFIG_KEXEC_FILE"),
        (false, false) => CheckResult.Refuse(Name, kernel!, $"has no signature, and this kernel is locked down ({level})", "install the signed kernel (linux-image-...), or turn off Secure Boot"),
        (false, true) => CheckResult.Pass(Name, kernel!, $"is signed, as lockdown ({level}) asks; by whom, Load will tell before anything stops"),
        _ => CheckResult.Pass(Name, "lockdown", $"is {level}: the new kernel must be signed"),
    };
}
