using System.Runtime.InteropServices;
using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>The kernel is installed, has an initrd, and is made for this machine.</summary>
internal sealed class KernelImageCheck : IHostCheck
{
    public string Name => "kernel";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Version is not { } version)
        {
            yield break;
        }

        string known = string.Join(", ", KernelImages.List(host.Root).Where(image => image.Initrd is not null).Select(image => image.Version));
        yield return host.Target switch
        {
            null => CheckResult.Invalid(Name, version, "no such kernel is installed", $"installed are: {known}"),
            { Initrd: null } image => CheckResult.Invalid(
                Name, version, $"{image.Kernel} has no initrd in /boot", $"make one, as with update-initramfs -c -k {version}; installed with an initrd are: {known}"),
            { } image => OfMachine(image, RuntimeInformation.OSArchitecture),
        };
    }

    public CheckResult OfMachine(KernelImage image, Architecture machine)
    {
        KernelMachine made = KernelHeader.Read(image.Kernel).Machine;
        return (made, machine) switch
        {
            (KernelMachine.X64, Architecture.X64) or (KernelMachine.Arm64, Architecture.Arm64) =>
                CheckResult.Pass(Name, image.Version, $"{image.Kernel}, {image.Initrd}"),
            (KernelMachine.Zboot, _) =>
                CheckResult.Unknown(Name, image.Version, $"{image.Kernel} unpacks itself: its machine is not told", "Load will tell, before anything stops"),
            (KernelMachine.None, _) =>
                CheckResult.Refuse(Name, image.Version, $"{image.Kernel} is no kernel image, or is damaged", "install its package again"),
            _ => CheckResult.Refuse(Name, image.Version, $"{image.Kernel} is a kernel for {made}, and this machine is {machine}", "install the kernel for this machine"),
        };
    }
}
