using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary><c>pstree.img</c>: the processes of a dump, parents before their children.</summary>
/// <remarks>
/// Holds: at least one process; exactly one root, the first; every parent comes before its child; no number is used by
/// two processes or threads; all numbers are PIDs that Linux can have.
/// </remarks>
public sealed record PstreeImage
{
    /// <summary>The name of the file within the images directory.</summary>
    public const string FileName = "pstree.img";

    /// <summary>The kernel's own limit for PIDs on 64-bit machines (PID_MAX_LIMIT).</summary>
    public const int PidLimit = 4 * 1024 * 1024;

    private const int MaximumLength = 32 * 1024 * 1024;

    private PstreeImage(IReadOnlyList<PstreeProcess> processes)
    {
        Processes = processes;
    }

    public IReadOnlyList<PstreeProcess> Processes { get; }

    public PstreeProcess Root => Processes[0];

    /// <summary>
    /// All numbers that must be free for a restore: of processes, threads, process groups and sessions, each once.
    /// </summary>
    public IReadOnlySet<int> TakenNumbers()
    {
        HashSet<int> taken = [];
        foreach (PstreeProcess process in Processes)
        {
            taken.Add(process.Pid);
            taken.Add(process.ProcessGroup);
            taken.Add(process.Session);
            taken.UnionWith(process.Threads);
        }

        taken.Remove(0);
        return taken;
    }

    /// <exception cref="ImageFormatException">The file is not one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static PstreeImage Read(string path) => Parse(ImageFile.ReadBounded(path, MaximumLength), path);

    /// <param name="content">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="ImageFormatException">The content is not one.</exception>
    public static PstreeImage Parse(ReadOnlySpan<byte> content, string name)
    {
        List<ProcessEntry> entries = ImageFile.Parse(
            name,
            content,
            [ImageFile.CommonHead, ImageFile.PstreeMagic],
            ProcessEntry.Parser);
        if (entries.Count == 0)
        {
            throw new ImageFormatException(name, ImageFault.WrongCount, "has no process");
        }

        HashSet<int> processes = [];
        HashSet<int> used = [];
        List<PstreeProcess> tree = new(entries.Count);
        foreach (ProcessEntry entry in entries)
        {
            PstreeProcess process = Convert(name, entry);
            RequireParent(name, process, processes);
            Claim(name, process, used);
            processes.Add(process.Pid);
            tree.Add(process);
        }

        return new PstreeImage(tree);
    }

    private static PstreeProcess Convert(string name, ProcessEntry entry) => new(
        Number(name, entry.Pid, minimum: 1),
        Number(name, entry.Ppid, minimum: 0),
        Number(name, entry.Pgid, minimum: 0),
        Number(name, entry.Sid, minimum: 0),
        [.. entry.Threads.Select(thread => Number(name, thread, minimum: 1))]);

    private static int Number(string name, uint number, uint minimum) =>
        number >= minimum && number < PidLimit
            ? (int)number
            : throw new ImageFormatException(name, ImageFault.BadValue, $"{number} cannot be a PID");

    private static void RequireParent(string name, PstreeProcess process, HashSet<int> before)
    {
        bool isRoot = before.Count == 0;
        bool known = isRoot ? process.ParentPid == 0 : before.Contains(process.ParentPid);
        if (!known)
        {
            throw new ImageFormatException(
                name,
                ImageFault.BadValue,
                $"process {process.Pid} has parent {process.ParentPid}, which is not in the tree before it");
        }
    }

    private static void Claim(string name, PstreeProcess process, HashSet<int> used)
    {
        foreach (int number in process.Threads.Skip(1).Prepend(process.Pid))
        {
            if (!used.Add(number))
            {
                throw new ImageFormatException(name, ImageFault.BadValue, $"{number} is there twice");
            }
        }

        if (process.Threads.Count > 0 && process.Threads[0] != process.Pid)
        {
            throw new ImageFormatException(
                name,
                ImageFault.BadValue,
                $"the main thread of process {process.Pid} is {process.Threads[0]}");
        }
    }
}
