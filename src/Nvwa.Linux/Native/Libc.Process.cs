using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>pidfd_open(2), waitid(2), signals, user identity, and what else is known of processes by calls only.</summary>
internal static partial class Libc
{
    public const int SIGKILL = 9;

    private const long SYS_pidfd_send_signal = 424;
    private const long SYS_pidfd_open = 434;
    private const long SYS_pidfd_getfd = 438;
    private static readonly long SYS_ioprio_set = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 30 : 251;
    private static readonly long SYS_ioprio_get = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 31 : 252;
    private const int IOPRIO_WHO_PROCESS = 1;
    private const int GETPID = 11;
    private const int P_PIDFD = 3;
    private const int WEXITED = 4;
    private const int CLD_EXITED = 1;
    private const int SignalBase = 128;

    /// <summary>Null if there is no such process.</summary>
    public static SafeFileHandle? OpenPidfd(int pid)
    {
        long fd = syscall(SYS_pidfd_open, pid, 0);
        if (fd == -1 && Marshal.GetLastPInvokeError() == Errno.ESRCH)
        {
            return null;
        }

        return Owned((int)Check(fd, "pidfd_open", Text(pid)));
    }

    /// <summary>Null if the process, or its descriptor, is gone.</summary>
    public static SafeFileHandle? DuplicateOf(SafeHandle pidfd, int fd)
    {
        int duplicate = pidfd_getfd(SYS_pidfd_getfd, pidfd, fd, 0);
        return duplicate != -1 ? Owned(duplicate)
            : Marshal.GetLastPInvokeError() is Errno.ESRCH or Errno.EBADF ? null
            : throw Failure("pidfd_getfd", Text(fd));
    }

    /// <summary>False if the process is gone.</summary>
    public static bool SendSignal(SafeHandle pidfd, int signal, int pid)
    {
        int result = pidfd_send_signal(SYS_pidfd_send_signal, pidfd, signal, 0, 0);
        return result != -1 || (Marshal.GetLastPInvokeError() == Errno.ESRCH
            ? false
            : throw Failure("pidfd_send_signal", Text(pid)));
    }

    /// <summary>False if no process of the group is left.</summary>
    public static bool SendSignalToGroup(int group, int signal)
    {
        int result = kill(-group, signal);
        return result != -1 || (Marshal.GetLastPInvokeError() == Errno.ESRCH
            ? false
            : throw Failure("kill", Text(-group)));
    }

    /// <summary>A child that was not reaped, so that the PID is certainly still its own.</summary>
    public static void KillUnreaped(int pid) => _ = kill(pid, SIGKILL);

    /// <summary>
    /// Waits for the end of a child of ours and reaps it. The status is the shell's: code, or 128 + signal.
    /// </summary>
    public static int Reap(SafeHandle pidfd, int pid)
    {
        Span<byte> information = stackalloc byte[128];
        int result;
        do
        {
            result = waitid(P_PIDFD, pidfd, information, WEXITED, 0);
        }
        while (result == -1 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        Check(result, "waitid", Text(pid));
        int code = BinaryPrimitives.ReadInt32LittleEndian(information[8..]);
        int status = BinaryPrimitives.ReadInt32LittleEndian(information[24..]);
        return code == CLD_EXITED ? status : SignalBase + status;
    }

    public static uint EffectiveUser() => geteuid();

    /// <summary>Who changed a System V semaphore last; 0 if nobody did, -1 if it is gone.</summary>
    public static int LastUser(int set, int semaphore) => semctl(set, semaphore, GETPID);

    /// <summary>For the calling thread only. False if it is gone with its process.</summary>
    public static bool EnterNamespace(string path)
    {
        using SafeFileHandle? file = TryOpen(path, O_RDONLY, out int errno);
        if (file is null)
        {
            return errno is Errno.ENOENT or Errno.ESRCH ? false : throw new LinuxException("open", path, errno);
        }

        Check(setns(file, 0), "setns", path);
        return true;
    }

    /// <summary>Class and level, ioprio_get(2); 0 where the thread has none of its own.</summary>
    public static long IoPriority(int thread) => Math.Max(0, syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, thread));

    /// <summary>ioprio_set(2).</summary>
    public static void SetIoPriority(int thread, long priority) =>
        Check((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, thread, priority), "ioprio_set", Text(thread));

    /// <summary>sched_setaffinity(2).</summary>
    /// <param name="thread">Of any process.</param>
    /// <param name="mask">A bit for each processor, in whole words.</param>
    /// <param name="processors">For messages.</param>
    public static void SetAffinity(int thread, ReadOnlySpan<byte> mask, string processors) =>
        Check(sched_setaffinity(thread, (nuint)mask.Length, mask), "sched_setaffinity", $"{thread} ({processors})");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int sched_setaffinity(int thread, nuint length, ReadOnlySpan<byte> mask);

    [LibraryImport(Library, SetLastError = true)]
    private static partial long syscall(long number, long first, long second);

    [LibraryImport(Library, SetLastError = true)]
    private static partial long syscall(long number, long first, long second, long third);

    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    private static partial int pidfd_getfd(long number, SafeHandle pidfd, int fd, uint flags);

    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    private static partial int pidfd_send_signal(long number, SafeHandle pidfd, int signal, nint information, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int waitid(int kind, SafeHandle id, Span<byte> information, int options, nint usage);

    [LibraryImport(Library)]
    private static partial uint geteuid();

    [LibraryImport(Library, SetLastError = true)]
    private static partial int setns(SafeHandle file, int kind);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int semctl(int set, int semaphore, int command);
}
