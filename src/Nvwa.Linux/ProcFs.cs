using System.Globalization;

namespace Nvwa.Linux;

/// <summary>
/// Processes and the running kernel, from /proc: see proc(5). A process that ends meanwhile is null, or missing from a
/// list; it is never an exception.
/// </summary>
public static class ProcFs
{
    private const string Root = "/proc";

    /// <summary>As <c>uname -r</c> says it.</summary>
    public static string KernelRelease => Proc.ReadText("/proc/sys/kernel/osrelease");

    /// <summary>Another one after each boot, kexec included.</summary>
    public static Guid BootId => Guid.Parse(Proc.ReadText("/proc/sys/kernel/random/boot_id"));

    public static string CommandLine => Proc.ReadText("/proc/cmdline");

    /// <summary>The program's name and its arguments, as it was started with, unless it has changed them; none if it is gone.</summary>
    public static IReadOnlyList<string> Arguments(int pid) => Strings($"/proc/{pid}/cmdline");

    /// <summary>Variables as it was started with: <c>NAME=VALUE</c>; none if it is gone.</summary>
    public static IReadOnlyList<string> Variables(int pid) => Strings($"/proc/{pid}/environ");

    /// <summary>The number that the newest process got; the next one goes on from here.</summary>
    public static int LastPid => Number(Proc.ReadText("/proc/sys/kernel/ns_last_pid"));

    /// <summary>PIDs are below this number.</summary>
    public static int PidMax => Number(Proc.ReadText("/proc/sys/kernel/pid_max"));

    /// <summary>All processes, without their other threads, in order.</summary>
    public static IReadOnlyList<int> Pids() => Proc.Numbers(Root);

    /// <summary>Null if there is no such process.</summary>
    public static ProcessInfo? Read(int pid)
    {
        if (Proc.TryRead($"/proc/{pid}/stat") is not { Length: > 0 } line)
        {
            return null;
        }

        var stat = ProcessStat.Parse(line);
        IReadOnlyList<string> status = Proc.TryReadLines($"/proc/{pid}/status");
        IReadOnlyList<int> threads = Proc.Numbers($"/proc/{pid}/task");
        if (threads.Count == 0 || StatusField(status, "Uid:") is not { } uids)
        {
            return null;
        }

        return new ProcessInfo
        {
            Pid = pid,
            ParentPid = stat.ParentPid,
            ProcessGroup = stat.ProcessGroup,
            Session = stat.Session,
            State = stat.State,
            StartTicks = stat.StartTicks,
            Comm = stat.Comm,
            Exe = Libc.ReadLink($"/proc/{pid}/exe"),
            IsKernelThread = (stat.Flags & ProcessStat.PF_KTHREAD) != 0,
            ControlGroup = ControlGroupOf(pid),
            Threads = threads,
            Uid = uint.Parse(uids.Split('\t')[1], CultureInfo.InvariantCulture),
            TracerPid = Number(StatusField(status, "TracerPid:") ?? "0"),
            Tty = stat.Tty,
            AnonymousBytes = Bytes(status, "RssAnon:") + Bytes(status, "RssShmem:"),
            SwappedBytes = Bytes(status, "VmSwap:"),
            HugePageBytes = Bytes(status, "HugetlbPages:"),
        };
    }

    /// <summary>Which namespace the process is in, as <c>mnt:[4026531841]</c>; null if it is gone.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="kind">As in /proc/PID/ns: <c>mnt</c>, <c>user</c>, <c>net</c>, ...</param>
    public static string? Namespace(int pid, string kind) => Libc.ReadLink($"/proc/{pid}/ns/{kind}");

    /// <summary>Empty if the process is gone.</summary>
    public static IReadOnlyList<Descriptor> Descriptors(int pid)
    {
        List<Descriptor> descriptors = [];
        foreach (int fd in Proc.Numbers($"/proc/{pid}/fd"))
        {
            if (Libc.ReadLink($"/proc/{pid}/fd/{fd}") is { } target
                && Proc.TryReadText($"/proc/{pid}/fdinfo/{fd}") is { } information)
            {
                descriptors.Add(ParseDescriptor(fd, target, information));
            }
        }

        return descriptors;
    }

    /// <summary>What the descriptors lead to, as <see cref="Descriptor.Target"/>: cheaper than all of them.</summary>
    public static IEnumerable<string> DescriptorTargets(int pid) =>
        Proc.Numbers($"/proc/{pid}/fd").Select(fd => Libc.ReadLink($"/proc/{pid}/fd/{fd}")).OfType<string>();

    /// <summary>The process and all that descend from it, parents before their children; empty if it is gone.</summary>
    public static IReadOnlyList<int> Tree(int pid)
    {
        ILookup<int, int> children = Pids()
            .Select(each => (Pid: each, Parent: ParentOf(each)))
            .Where(each => each.Parent is not null)
            .ToLookup(each => each.Parent!.Value, each => each.Pid);
        if (ParentOf(pid) is null)
        {
            return [];
        }

        List<int> tree = [pid];
        for (int next = 0; next < tree.Count; next++)
        {
            tree.AddRange(children[tree[next]]);
        }

        return tree;
    }

    /// <summary>
    /// The processes of a control group and of all groups below it, in order; empty if it is not there.
    /// </summary>
    /// <param name="controlGroup">As in <see cref="ProcessInfo.ControlGroup"/>: <c>/system.slice/x.service</c>; null for a unit that has none.</param>
    public static IReadOnlyList<int> PidsOfControlGroup(string? controlGroup)
    {
        string? root = ControlGroupRoot();
        // An empty name is not the root's, which holds every process of the host.
        if (root is null || string.IsNullOrEmpty(controlGroup))
        {
            return [];
        }

        SortedSet<int> pids = [];
        AddPids(Path.Join(root, controlGroup), pids);
        return [.. pids];
    }

    /// <summary>
    /// Where the unified hierarchy is mounted: <c>/sys/fs/cgroup</c> nearly everywhere; null if nowhere.
    /// </summary>
    public static string? ControlGroupRoot() =>
        FileSystems.Mounts().FirstOrDefault(mount => mount.Type == "cgroup2")?.Point;

    private static void AddPids(string directory, SortedSet<int> pids)
    {
        foreach (string line in Proc.TryReadLines(Path.Join(directory, "cgroup.procs")))
        {
            if (line.Length > 0)
            {
                pids.Add(Number(line));
            }
        }

        try
        {
            foreach (string child in Directory.EnumerateDirectories(directory))
            {
                AddPids(child, pids);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // The group was removed: it has no processes.
        }
    }

    private static int? ParentOf(int pid) =>
        Proc.TryRead($"/proc/{pid}/stat") is { Length: > 0 } line ? ProcessStat.Parse(line).ParentPid : null;

    private static string? ControlGroupOf(int pid) =>
        Proc.TryReadLines($"/proc/{pid}/cgroup")
            .FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?[3..];

    /// <summary>
    /// Lines like <c>pos:\t0</c>, <c>flags:\t02</c> (octal), <c>mnt_id:\t15</c>, and more by kind of file.
    /// </summary>
    private static Descriptor ParseDescriptor(int fd, string target, string information)
    {
        string[] lines = information.Split('\n');
        return new Descriptor(
            fd,
            target,
            long.Parse(StatusField(lines, "pos:") ?? "0", CultureInfo.InvariantCulture),
            Convert.ToInt32(StatusField(lines, "flags:") ?? "0", 8),
            Number(StatusField(lines, "mnt_id:") ?? "0"));
    }

    /// <summary>Fields as <c>VmRSS:\t  1234 kB</c>; 0 where there is none.</summary>
    private static long Bytes(IReadOnlyList<string> status, string name) =>
        1024 * long.Parse((StatusField(status, name) ?? "0").Split(' ')[0], CultureInfo.InvariantCulture);

    private static string? StatusField(IEnumerable<string> lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Each ends with a zero byte.</summary>
    private static string[] Strings(string path) => Proc.TryReadText(path) is { Length: > 0 } text ? (text.EndsWith('\0') ? text[..^1] : text).Split('\0') : [];
}
