namespace Nvwa.Lab.Machines;

/// <summary>
/// QEMUs of several releases that run on this host: what <c>lab/qemu/build</c> makes and keeps.
/// <code>
/// VERSION/bin/{qemu-system-x86_64,qemu-img}
/// counter.img                                  boots lab/workloads/counter.S
/// </code>
/// </summary>
public sealed class LabQemus(string directory)
{
    /// <summary>Debian 12's, which has no live update.</summary>
    public const string Bookworm = "7.2";

    /// <summary>Debian 13's: cpr-reboot and cpr-transfer.</summary>
    public const string Trixie = "10.0";

    /// <summary>The newer one for Debian 13: cpr-exec, too.</summary>
    public const string TrixieBackports = "11.1";

    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(20);

    public string Directory { get; } = directory;

    public string CountingFloppy => Path.Combine(Directory, "counter.img");

    /// <summary>Unpacks them where there are none yet, which takes a minute.</summary>
    public static async Task<LabQemus> LocateAsync(CancellationToken cancellationToken = default)
    {
        string output = await HostCommand.RunAsync(LabPaths.QemuBuild, [], BuildTimeout, cancellationToken);
        return new LabQemus(output.Trim());
    }

    /// <summary>The emulator of this version, a program that needs nothing else.</summary>
    public string Program(string version) => Path.Combine(Directory, version, "bin", "qemu-system-x86_64");
}
