using System.Globalization;

namespace Nvwa.Linux;

/// <summary>What a System V object is; the name is that of its list in /proc/sysvipc.</summary>
public enum SystemVKind
{
    None = 0,
    Shm = 1,
    Sem = 2,
    Msg = 3,
}

/// <summary>
/// An object of an IPC namespace: see sysvipc(7). It belongs to nobody; the kernel only remembers who used it last.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Its number; that of shared memory is its inode where it is mapped.</param>
/// <param name="Users">Who made it or used it last, as far as the kernel knows.</param>
public sealed record SystemVObject(SystemVKind Kind, int Id, IReadOnlyList<int> Users)
{
    private const int IdField = 1;
    private const string Ipc = "ipc";

    /// <summary>In the IPC namespace of a process; empty if it is gone, or if this kernel has none of that.</summary>
    public static IReadOnlyList<SystemVObject> Of(int pid)
    {
        string? own = ProcFs.Namespace(Environment.ProcessId, Ipc);
        return ProcFs.Namespace(pid, Ipc) is not { } theirs ? []
            : theirs == own ? All()
            // What is seen is the thread's own: one of its own enters, and ends.
            : Task.Factory.StartNew(() => Libc.EnterNamespace($"/proc/{pid}/ns/{Ipc}") ? All() : [], CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .GetAwaiter().GetResult();
    }

    private static IReadOnlyList<SystemVObject> All() => [.. Read(SystemVKind.Shm), .. Read(SystemVKind.Sem), .. Read(SystemVKind.Msg)];

    /// <summary><c>key shmid perms size cpid lpid ...</c>, <c>key semid perms nsems ...</c>, <c>key msqid perms cbytes qnum lspid lrpid ...</c></summary>
    internal static SystemVObject? Parse(SystemVKind kind, string line)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length < 7 || !int.TryParse(fields[IdField], CultureInfo.InvariantCulture, out int id)
            ? null
            : new SystemVObject(kind, id, [.. UsersOf(kind, id, fields).Where(pid => pid > 0).Distinct()]);
    }

    private static IEnumerable<SystemVObject> Read(SystemVKind kind)
    {
        string name = kind switch { SystemVKind.Shm => "shm", SystemVKind.Sem => "sem", _ => "msg" };
        // Its first line has the names of the fields.
        return Proc.TryReadLines($"/proc/sysvipc/{name}").Skip(1).Select(line => Parse(kind, line)).OfType<SystemVObject>();
    }

    private static IEnumerable<int> UsersOf(SystemVKind kind, int id, string[] fields) => kind switch
    {
        SystemVKind.Shm => [Number(fields[4]), Number(fields[5])],
        SystemVKind.Sem => Enumerable.Range(0, Number(fields[3])).Select(semaphore => Libc.LastUser(id, semaphore)),
        _ => [Number(fields[5]), Number(fields[6])],
    };

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
