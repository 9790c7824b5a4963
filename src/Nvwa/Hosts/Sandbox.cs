using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.Hosts;

/// <summary>
/// The namespaces of a unit (systemd.exec(5), "Sandboxing"). systemd makes them at every start, so nothing of them is saved:
/// CRIU runs within them, at the dump in those of the workload, at the restore in those of a holder, a process that does
/// nothing and was started by the unit with all of its settings. So CRIU sees no namespaces, and no setting is relaxed.
/// </summary>
internal static class Sandbox
{
    /// <summary>What the unit's start runs in place of the service.</summary>
    public const string Holder = $"{HolderProgram} infinity";

    public const string HolderProgram = "/usr/bin/sleep";

    /// <summary>With --fork it leaves the holder behind, for a unit whose start is over when its commands are.</summary>
    public const string HolderStarter = "/usr/bin/setsid";

    /// <summary>Whose namespaces are the host's.</summary>
    public const int Init = 1;

    /// <summary>
    /// With all privileges (+ in a unit file) a command still has some of the unit's mounts, as TemporaryFileSystem=, which can
    /// hide us, our journal, and the images.
    /// </summary>
    public const string OnHost = $"{Enter} --target=1 --mount --";

    private const string Enter = "/usr/bin/nsenter";
    private const string Unshare = "/usr/bin/unshare";

    // Descriptors that CRIU's shell opens before it goes in.
    private const int ControlGroup = 9;
    private const int Program = 8;

    private const string Ipc = "ipc";

    /// <summary>By their names in /proc/PID/ns, with nsenter(1)'s option for each. A time namespace CRIU keeps by itself.</summary>
    private static readonly (string Kind, string Option)[] Made = [("mnt", "--mount"), ("net", "--net"), ("uts", "--uts"), ("cgroup", "--cgroup"), (Ipc, "--ipc")];

    /// <summary>Where CRIU finds the control group that it was started with by <see cref="DumpCommand"/>: in many sandboxes /sys is read-only.</summary>
    public static string InheritedControlGroup => $"/proc/self/fd/{ControlGroup}/.";

    /// <summary>Kinds of namespaces that a process of a unit does not share with the host.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="init">Whose namespaces are the host's.</param>
    /// <param name="privateIpc">PrivateIPC= of its unit: an IPC namespace that is not systemd's may be an earlier restore's, and CRIU's business.</param>
    public static IReadOnlyList<string> Of(int pid, int init, bool privateIpc = false) =>
        [.. Made.Select(made => made.Kind).Where(kind => (kind != Ipc || privateIpc) && IsOwn(pid, init, kind))];

    public static bool IsOwn(int pid, int init, string kind)
    {
        string ofHost = ProcFs.Namespace(init, kind) ?? throw new InvalidDataException($"the {kind} namespace of process {init} cannot be read");
        return ProcFs.Namespace(pid, kind) is { } own && own != ofHost;
    }

    /// <summary>CRIU for a dump, which reads requests from its standard input.</summary>
    /// <param name="workload">What it will dump.</param>
    /// <param name="criu">The program.</param>
    /// <param name="controlGroup">The directory.</param>
    public static IReadOnlyList<string> DumpCommand(Workload workload, string criu, string controlGroup) => workload.Sandbox.Count == 0
        ? CriuIn(workload, workload.MainPid, criu, 0)
        :
        [
            "/bin/sh", "-c", $"exec {ControlGroup}<\"$0\" {Program}<\"$1\"; shift; exec \"$@\"", controlGroup, criu,
            .. CriuIn(workload, workload.MainPid, $"/proc/self/fd/{Program}", 0),
        ];

    /// <summary>CRIU in the namespaces of a process.</summary>
    /// <param name="workload">What it is for.</param>
    /// <param name="pid">The process.</param>
    /// <param name="criu">The program; by a descriptor for a sandbox, in which its path may not be executable (NoExecPaths=).</param>
    /// <param name="requests">The descriptor that they come from.</param>
    public static IReadOnlyList<string> CriuIn(Workload workload, int pid, string criu, int requests) =>
    [
        // CRIU takes System V objects along only if their namespace is not its own.
        .. workload.OwnIpc ? [Unshare, "--ipc"] : Array.Empty<string>(),
        .. workload.Sandbox.Count == 0
            ? Array.Empty<string>()
            : [Enter, $"--target={pid}", .. Made.Where(made => workload.Sandbox.Contains(made.Kind)).Select(made => made.Option), "--"],
        criu, "swrk", $"{requests}",
    ];
}
