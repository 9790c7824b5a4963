using Nvwa.Lab.Machines;

namespace Nvwa.Lab.Hosts;

/// <summary>What a guest of the lab is given: nvwa's Debian package, the workloads, and where the image and the QEMUs are.</summary>
public static class LabPackage
{
    /// <summary>The package, in the guest.</summary>
    public const string GuestPath = "/root/nvwa.deb";

    /// <summary>Units of programs of every kind, for <c>lab/Nvwa.Lab.Scenarios/Applications.cs</c>; nothing starts them by itself.</summary>
    public static IReadOnlyList<string> Applications { get; } =
    [
        "python-server.service", "java-server.service", "dotnet-server.service", "threads.service", "tree.service", "long-job.service", "tmux.service",
    ];

    private const string PackageVariable = "NVWA_LAB_PACKAGE";
    private const string ImageVariable = "NVWA_LAB_IMAGE";
    private const string QemusVariable = "NVWA_LAB_QEMUS";

#pragma warning disable RS0030 // The lab's settings are read here and nowhere else.
    private static readonly string? NamedPackage = Environment.GetEnvironmentVariable(PackageVariable);
    private static readonly string? NamedImage = Environment.GetEnvironmentVariable(ImageVariable);
    private static readonly string? NamedQemus = Environment.GetEnvironmentVariable(QemusVariable);
#pragma warning restore RS0030

    /// <summary>The image that the caller named, or else the one of this tree's recipe.</summary>
    public static Task<LabImage> LocateImageAsync(CancellationToken cancellationToken = default) =>
        NamedImage is { Length: > 0 } directory
            ? LabImage.OpenAsync(directory, cancellationToken)
            : LabImage.LocateAsync(cancellationToken);

    /// <summary>The QEMUs that the caller named, or else those of this tree's recipe.</summary>
    public static Task<LabQemus> LocateQemusAsync(CancellationToken cancellationToken = default) =>
        NamedQemus is { Length: > 0 } directory
            ? Task.FromResult(new LabQemus(directory))
            : LabQemus.LocateAsync(cancellationToken);

    /// <summary>Package and workloads, each in its place.</summary>
    /// <exception cref="LabException">There is no package.</exception>
    public static IReadOnlyList<LabFile> Files() =>
    [
        new LabFile(Locate(), GuestPath),
        new LabFile(LabPaths.Workload("ticker.py"), "/root/ticker.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("sockets.py"), "/root/sockets.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("sockets.service"), "/etc/systemd/system/sockets.service"),
        new LabFile(LabPaths.Workload("local-peer.py"), "/root/local-peer.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("local-peer.service"), "/etc/systemd/system/local-peer.service"),
        new LabFile(LabPaths.Workload("refused.py"), "/root/refused.py", LabFile.Executable),
        .. Directory.EnumerateFiles(LabPaths.Workload("objects"), "*.py").Select(file => new LabFile(file, $"/root/objects/{Path.GetFileName(file)}")),
        new LabFile(LabPaths.Workload("object@.service"), "/etc/systemd/system/object@.service"),
        new LabFile(LabPaths.Workload("redis.service"), "/etc/systemd/system/redis.service"),
        new LabFile(LabPaths.Workload("redis-journal.service"), "/etc/systemd/system/redis-journal.service"),
        new LabFile(LabPaths.Workload("slow-stop.service"), "/etc/systemd/system/slow-stop.service"),
        new LabFile(LabPaths.Workload("disk-filler.service"), "/etc/systemd/system/disk-filler.service"),
        new LabFile(LabPaths.Workload("damage.service"), "/etc/systemd/system/damage.service"),
        new LabFile(LabPaths.Workload("network-setup"), "/root/network-setup", LabFile.Executable),
        new LabFile(LabPaths.Workload("network-state.py"), "/root/network-state.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("qmp.py"), NestedMachine.QmpTool, LabFile.Executable),
        new LabFile(LabPaths.Workload("pass-on@.service"), "/etc/systemd/system/pass-on@.service"),
        new LabFile(LabPaths.Workload("haproxy.cfg"), "/root/haproxy.cfg"),
        new LabFile(LabPaths.Workload("nginx.conf"), "/root/nginx.conf"),
        new LabFile(LabPaths.Workload("units/keeper.py"), "/usr/local/bin/keeper.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("units/keeper.apparmor"), "/etc/apparmor.d/keeper"),
        .. Directory.EnumerateFiles(LabPaths.Workload("units"), "*.s*").Select(unit => new LabFile(unit, $"/etc/systemd/system/{Path.GetFileName(unit)}")),
        new LabFile(LabPaths.Workload("ledger.py"), "/srv/ledger.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("Ledger.java"), "/srv/Ledger.java"),
        new LabFile(LabPaths.Workload("threads.py"), "/srv/threads.py", LabFile.Executable),
        new LabFile(LabPaths.Workload("tree.sh"), "/srv/tree.sh", LabFile.Executable),
        new LabFile(LabPaths.Workload("long-job.sh"), "/srv/long-job.sh", LabFile.Executable),
        .. Applications.Select(unit => new LabFile(LabPaths.Workload(unit), $"/etc/systemd/system/{unit}")),
        new LabFile(LabPaths.Workload("criu-that-dies"), "/usr/local/sbin/criu-that-dies", LabFile.Executable),
        new LabFile(LabPaths.Workload("criu-after-a-death"), "/usr/local/sbin/criu-after-a-death", LabFile.Executable),
    ];

    /// <summary>The package that the caller named, or else the one built last.</summary>
    private static string Locate()
    {
        if (NamedPackage is { Length: > 0 } path)
        {
            return File.Exists(path) ? path : throw new LabException($"{PackageVariable}: there is no {path}");
        }

        return Directory.Exists(LabPaths.Artifacts)
            && Directory.EnumerateFiles(LabPaths.Artifacts, "nvwa_*_amd64.deb").MaxBy(File.GetLastWriteTimeUtc) is { } newest
            ? newest
            : throw new LabException("nvwa's package is not built: ./dev package");
    }
}
