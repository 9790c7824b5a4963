using System.Globalization;
using System.Text;
using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>File systems that a workload has files on must be mounted again by the boot, before it comes back.</summary>
internal sealed class MountsCheck : IWorkloadCheck
{
    /// <summary>Where systemd has units for mounts: fstab's are made by a generator.</summary>
    private static readonly string[] UnitDirectories =
        ["etc/systemd/system", "run/systemd/generator", "run/systemd/generator.late", "usr/lib/systemd/system", "lib/systemd/system"];

    public string Name => "mounts";

    public string Fine => "the boot mounts what it has files on";

    public IEnumerable<CheckResult> Run(KeptWorkload workload, HostFacts host)
    {
        IEnumerable<Mount?> ofFiles = workload.Files.Where(file => file.Descriptor.Target.StartsWith('/')).Select(workload.MountOf);
        IEnumerable<Mount?> ofMappings = workload.Mappings.Where(mapping => mapping.Target.StartsWith('/')).Select(mapping => mapping.Target).Distinct().Select(workload.MountOf);
        return ofFiles.Concat(ofMappings).OfType<Mount>()
            .DistinctBy(mount => mount.Id)
            .Where(mount => !FileSystems.IsMemoryBacked(mount.Type) && !Origins(mount, workload).Any(origin => origin.Point == "/" || IsMountedAtBoot(host.Root, origin.Point)))
            .Select(mount => CheckResult.Refuse(
                Name, workload.Name, $"has files on {mount.Point} ({mount.Type}), which was mounted by hand: the boot of the new kernel will not mount it",
                "name it in /etc/fstab, or make a .mount unit"));
    }

    /// <summary>In a mount namespace of its own systemd mounts again what the host has.</summary>
    private static IEnumerable<Mount> Origins(Mount mount, KeptWorkload workload) =>
        workload.Workload.Sandbox.Contains("mnt") ? FileSystems.Mounts().Where(ofHost => ofHost.Device == mount.Device) : [mount];

    public static bool IsMountedAtBoot(string root, string point)
    {
        string unit = $"{Escape(point)}.mount";
        return UnitDirectories.Any(directory => File.Exists(Path.Combine(root, directory, unit)));
    }

    /// <summary>As systemd-escape(1) --path.</summary>
    internal static string Escape(string path)
    {
        StringBuilder name = new();
        foreach (byte character in Encoding.UTF8.GetBytes(path.Trim('/')))
        {
            bool isPlain = char.IsAsciiLetterOrDigit((char)character) || character is (byte)'_' or (byte)':' || (character == '.' && name.Length > 0);
            _ = character == '/' ? name.Append('-') : isPlain ? name.Append((char)character) : name.Append(CultureInfo.InvariantCulture, $"\\x{character:x2}");
        }

        return name.ToString();
    }
}
