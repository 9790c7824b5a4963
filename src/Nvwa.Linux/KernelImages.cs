namespace Nvwa.Linux;

/// <summary>A kernel and its initrd, as they lie on this host.</summary>
/// <param name="Version">As <c>uname -r</c> will say.</param>
/// <param name="Kernel">Path of the bzImage.</param>
/// <param name="Initrd">Path of the initrd; null where the kernel has none.</param>
public sealed record KernelImage(string Version, string Kernel, string? Initrd);

/// <summary>
/// Kernels installed on the host: <c>/boot/vmlinuz-V</c> with <c>/boot/initramfs-V.img</c> (openEuler, Fedora) or
/// <c>/boot/initrd.img-V</c> (Debian), and <c>/usr/lib/modules/V/vmlinuz</c>.
/// </summary>
public static class KernelImages
{
    private const string KernelPrefix = "vmlinuz-";

    /// <param name="root">Where the host's file system begins: <c>/</c>.</param>
    public static IReadOnlyList<KernelImage> List(string root)
    {
        string boot = Path.Combine(root, "boot");
        string modules = Path.Combine(root, "usr/lib/modules");
        IEnumerable<string> inBoot = Directory.Exists(boot)
            ? Directory.EnumerateFiles(boot, KernelPrefix + "*").Select(file => Path.GetFileName(file)[KernelPrefix.Length..])
            : [];
        IEnumerable<string> inModules = Directory.Exists(modules)
            ? Directory.EnumerateDirectories(modules).Where(directory => File.Exists(Path.Combine(directory, "vmlinuz"))).Select(Path.GetFileName).OfType<string>()
            : [];
        return [.. inBoot.Concat(inModules).Distinct().Order(StringComparer.Ordinal).Select(version => Of(root, version)).OfType<KernelImage>()];
    }

    /// <summary>Null for a link that leads nowhere.</summary>
    private static KernelImage? Of(string root, string version)
    {
        string boot = Path.Combine(root, "boot");
        string[] kernels = [Path.Combine(boot, KernelPrefix + version), Path.Combine(root, "usr/lib/modules", version, "vmlinuz")];
        string[] initrds = [Path.Combine(boot, $"initramfs-{version}.img"), Path.Combine(boot, $"initrd.img-{version}")];
        return kernels.FirstOrDefault(File.Exists) is { } kernel ? new KernelImage(version, kernel, initrds.FirstOrDefault(File.Exists)) : null;
    }
}
