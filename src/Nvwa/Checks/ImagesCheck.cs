using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>Images survive the switch, fit, and nobody but root can change them.</summary>
internal sealed class ImagesCheck : IHostCheck
{
    public string Name => "criu_dir";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        string configured = host.Server.CriuDir;
        string directory = configured.TrimEnd('/');
        if (File.Exists(directory) || new FileInfo(directory).LinkTarget is not null)
        {
            yield return CheckResult.Refuse(Name, configured, "is not a directory (links are not followed)", "point 'criu_dir' in nvwa-server.yaml to a directory");
            yield break;
        }

        string existing = FileSystems.Existing(configured);
        Mount mount = FileSystems.MountOf(existing);
        if (Persistent(configured, existing, mount) is { } dies)
        {
            yield return dies;
            yield break;
        }

        if (MountedAtBoot(configured, mount, host) is { } forgotten)
        {
            yield return forgotten;
        }

        yield return Private(configured, existing) ?? Room(configured, existing, mount, host);
    }

    private CheckResult? Persistent(string configured, string existing, Mount mount) =>
        FileSystems.IsMemoryBacked(mount.Type)
            ? CheckResult.Refuse(Name, configured, $"lies on {mount.Type}, which dies with this kernel", "point 'criu_dir' in nvwa-server.yaml to a disk")
            : !FileSystems.IsWritable(existing)
                ? CheckResult.Refuse(Name, configured, $"cannot be written ({mount.Point} is {mount.Type}, mounted read-only?)", "remount it, or point 'criu_dir' elsewhere")
                : null;

    private CheckResult? MountedAtBoot(string configured, Mount mount, HostFacts host) =>
        mount.Point == "/" || MountsCheck.IsMountedAtBoot(host.Root, mount.Point)
            ? null
            : CheckResult.Refuse(
                Name, configured, $"lies on {mount.Point}, which was mounted by hand: the boot of the new kernel will not mount it",
                "name it in /etc/fstab, make a .mount unit, or point 'criu_dir' elsewhere");

    /// <summary>Who can write the images decides what runs with root's rights after the switch.</summary>
    private CheckResult? Private(string configured, string existing) =>
        FileIdentity.Of(existing) is not { } status ? CheckResult.Unknown(Name, configured, $"{existing} went away meanwhile")
            : status.Uid != 0 ? CheckResult.Refuse(Name, configured, $"{existing} belongs to user {status.Uid}, who could change the images", $"chown root:root {existing}")
            : status.IsWritableByOthers ? CheckResult.Refuse(Name, configured, $"{existing} is writable by others than root, who could change the images", $"chmod go-w {existing}, or point 'criu_dir' elsewhere")
            : null;

    private CheckResult Room(string configured, string existing, Mount mount, HostFacts host)
    {
        long needed = host.Workloads.Sum(workload => workload.Bytes) + host.MachineBytes;
        long free = FileSystems.Free(existing);
        return free < needed
            ? CheckResult.Refuse(Name, configured, $"has {free >> 20} MiB free, and up to {needed >> 20} MiB will be saved", $"free some space on {mount.Point}, or point 'criu_dir' elsewhere")
            : CheckResult.Pass(Name, configured, $"{free >> 20} MiB free on {mount.Type}, up to {needed >> 20} MiB needed");
    }
}
