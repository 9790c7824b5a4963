using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Update;

/// <summary>What the host itself must offer. Each method is one check; all only read.</summary>
internal static class HostChecks
{
    private const string Install = "install criu, or correct 'criu_exe' in nvwa-server.yaml";

    private static readonly TimeSpan ToolDeadline = TimeSpan.FromMinutes(1);

    /// <summary>The kernel with this version, and whether it can be booted.</summary>
    public static (CheckResult Result, KernelImage? Image) Kernel(string version)
    {
        const string Check = "kernel";
        IReadOnlyList<KernelImage> installed = KernelImages.List("/");
        string known = string.Join(", ", installed.Where(image => image.Initrd is not null).Select(image => image.Version));
        return installed.FirstOrDefault(image => image.Version == version) switch
        {
            null => (CheckResult.Invalid(Check, version, "no such kernel is installed", $"installed are: {known}"), null),
            { Initrd: null } image => (CheckResult.Invalid(Check, version, $"{image.Kernel} has no initrd in /boot", $"make one, as with update-initramfs -c -k {version}; installed with an initrd are: {known}"), null),
            { } image => (CheckResult.Pass(Check, version, $"{image.Kernel}, {image.Initrd}"), image),
        };
    }

    public static CheckResult Kexec() =>
        Linux.Kexec.IsDisabled
            ? CheckResult.Refuse("kexec", "kernel.kexec_load_disabled", "is 1: this kernel loads no other until a reboot", "reboot with kernel.kexec_load_disabled=0")
            : CheckResult.Pass("kexec", "kexec_file_load", "is enabled");

    /// <summary>Switches of openEuler's kernels: accepted everywhere, honoured where the kernel has them.</summary>
    public static IEnumerable<CheckResult> Switches(RestoreConfiguration configuration)
    {
        if (configuration.EnableQuickKexec && !HasQuickKexec())
        {
            yield return CheckResult.Warn("switches", "enable_quick_kexec", "this kernel has no quick kexec; the update goes on without");
        }

        if (configuration.EnablePinMemory)
        {
            string why = File.Exists("/dev/pinmem") ? "this version of nvwa does not use pin memory" : "this kernel has no pin memory";
            yield return CheckResult.Warn("switches", "enable_pin_memory", $"{why}; the update goes on without");
        }

        if (configuration.RestoreNet)
        {
            yield return CheckResult.Warn("switches", "restore_net", "this version leaves the network to the host's own configuration");
        }
    }

    /// <summary>A kernel of openEuler's, booted with <c>quickkexec=</c>, shows the memory that it set aside.</summary>
    public static bool HasQuickKexec() => File.ReadLines("/proc/iomem").Any(line => line.EndsWith(": Quick kexec", StringComparison.Ordinal));

    /// <summary>CRIU is there, accepts this kernel, and is recent enough for it and the workloads.</summary>
    public static async Task<CheckResult> CriuAsync(string criu, IReadOnlyList<Workload> workloads, CancellationToken cancellation)
    {
        try
        {
            return File.Exists(criu)
                ? await RunCriuAsync(criu, workloads, cancellation)
                : CheckResult.Refuse("criu", criu, "does not exist", Install);
        }
        catch (LinuxException failed)
        {
            return CheckResult.Refuse("criu", criu, $"cannot be run: {failed.Message}", Install);
        }
    }

    private static async Task<CheckResult> RunCriuAsync(string criu, IReadOnlyList<Workload> workloads, CancellationToken cancellation)
    {
        const string Check = "criu";

        SpawnResult version = await Spawn.RunAsync(new SpawnRequest(criu, ["--version"]), ToolDeadline, cancellation);
        string? number = version.Output.Split('\n').FirstOrDefault(line => line.StartsWith("Version: ", StringComparison.Ordinal))?["Version: ".Length..];
        if (number is null || !Version.TryParse(number, out Version? parsed))
        {
            return CheckResult.Refuse(Check, criu, $"does not say its version (exit status {version.ExitCode})", Install);
        }

        // From 6.16 SO_PASSCRED is for unix sockets only; CRIU before 4.2 asks a TCP socket for it and gives up.
        bool hasSockets = workloads.Any(workload => KeptSockets.Endpoints(ProcFs.Tree(workload.MainPid)).Count > 0);
        if (hasSockets && IsAtLeast(ProcFs.KernelRelease, 6, 16) && parsed < new Version(4, 2))
        {
            return CheckResult.Refuse(
                Check, criu, $"is version {number}, which cannot dump TCP sockets on Linux {ProcFs.KernelRelease}",
                "install CRIU 4.2 or later");
        }

        SpawnResult check = await Spawn.RunAsync(new SpawnRequest(criu, ["check"]), ToolDeadline, cancellation);
        return check.ExitCode == 0
            ? CheckResult.Pass(Check, criu, $"is version {number} and accepts this kernel")
            : CheckResult.Refuse(Check, criu, $"version {number} does not accept this kernel: {LastLine(check)}", "see 'criu check'; a newer CRIU may be needed");
    }

    /// <summary>Images must survive the switch, and must fit.</summary>
    public static CheckResult Images(string criuDir, IReadOnlyList<Workload> workloads)
    {
        const string Check = "criu_dir";
        if (File.Exists(criuDir.TrimEnd('/')) || new FileInfo(criuDir.TrimEnd('/')).LinkTarget is not null)
        {
            return CheckResult.Refuse(Check, criuDir, "is not a directory (links are not followed)", "point 'criu_dir' in nvwa-server.yaml to a directory");
        }

        string existing = Existing(criuDir);
        Mount mount = FileSystems.MountOf(existing);
        if (FileSystems.IsMemoryBacked(mount.Type))
        {
            return CheckResult.Refuse(Check, criuDir, $"lies on {mount.Type}, which dies with this kernel", "point 'criu_dir' in nvwa-server.yaml to a disk");
        }

        if (!FileSystems.IsWritable(existing))
        {
            return CheckResult.Refuse(Check, criuDir, $"cannot be written ({mount.Point} is {mount.Type}, mounted read-only?)", "remount it, or point 'criu_dir' elsewhere");
        }

        long needed = workloads.SelectMany(workload => ProcessTree.Of(workload.MainPid)?.Members ?? []).Sum(process => process.ResidentBytes);
        long free = FileSystems.Free(existing);
        return free < needed
            ? CheckResult.Refuse(Check, criuDir, $"has {free >> 20} MiB free, and up to {needed >> 20} MiB will be saved", $"free some space on {mount.Point}, or point 'criu_dir' elsewhere")
            : CheckResult.Pass(Check, criuDir, $"{free >> 20} MiB free on {mount.Type}, up to {needed >> 20} MiB needed");
    }

    /// <summary>The journal decides after a crash, and the generator reads it before other file systems are mounted.</summary>
    public static CheckResult State()
    {
        Mount mount = FileSystems.MountOf(Existing(UpdateJournal.Directory));
        return mount.Point == "/" && !FileSystems.IsMemoryBacked(mount.Type)
            ? CheckResult.Pass("journal", UpdateJournal.Directory, $"lies on the root file system ({mount.Type})")
            : CheckResult.Refuse(
                "journal", UpdateJournal.Directory, $"lies on {mount.Point} ({mount.Type}); early boot must be able to read it",
                "this version needs it on the root file system, on a disk");
    }

    private static string Existing(string path) =>
        Directory.Exists(path) ? path : Existing(Path.GetDirectoryName(path.TrimEnd('/')) ?? "/");

    private static bool IsAtLeast(string release, int major, int minor)
    {
        int[] numbers = [.. release.Split('.', '-', '+').TakeWhile(part => int.TryParse(part, out _)).Select(part => int.Parse(part, null))];
        return numbers.Length >= 2 && (numbers[0], numbers[1]).CompareTo((major, minor)) >= 0;
    }

    private static string LastLine(SpawnResult result) =>
        (result.Error + result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault("it said nothing");
}
