using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>open(2), read(2), write(2), rename(2), flock(2) and their family.</summary>
internal static partial class Libc
{
    private const int AT_EMPTY_PATH = 0x1000;

    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    /// <summary>One of those that differ with the architecture.</summary>
    public static readonly int O_DIRECT = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    public const int O_PATH = 0x200000;

    /// <summary>Two flags have numbers of their own on arm64.</summary>
    public static readonly int O_DIRECTORY =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    public static readonly int O_NOFOLLOW =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_UN = 8;

    private const int F_SETFL = 4;
    private const int F_DUPFD_CLOEXEC = 1030;
    private const uint STATX_BASIC_STATS = 0x7ff;
    private const int PathMaximum = 4096;

    /// <summary>Opens with O_CLOEXEC, always.</summary>
    public static SafeFileHandle Open(string path, int flags, UnixFileMode mode = UnixFileMode.None)
    {
        int fd;
        do
        {
            fd = open(path, flags | O_CLOEXEC, (uint)mode);
        }
        while (fd == -1 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return Owned(Check(fd, "open", path));
    }

    /// <summary>Null, and the error number, where <see cref="Open"/> would throw.</summary>
    public static SafeFileHandle? TryOpen(string path, int flags, out int errno)
    {
        int fd = open(path, flags | O_CLOEXEC, 0);
        errno = fd == -1 ? Marshal.GetLastPInvokeError() : 0;
        return fd == -1 ? null : Owned(fd);
    }

    /// <summary>Bytes read, 0 at the end, or a negated error number.</summary>
    public static int TryRead(SafeHandle handle, Span<byte> buffer)
    {
        while (true)
        {
            nint count = read(handle, buffer, (nuint)buffer.Length);
            if (count >= 0)
            {
                return (int)count;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EINTR)
            {
                return -errno;
            }
        }
    }

    /// <summary>Bytes read at an offset; fewer only at the end of the file.</summary>
    public static int ReadAt(SafeHandle handle, Span<byte> buffer, long offset, string subject)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            Span<byte> rest = buffer[total..];
            nint count = pread(handle, rest, (nuint)rest.Length, offset + total);
            if (count == 0)
            {
                break;
            }

            if (count == -1 && Marshal.GetLastPInvokeError() == Errno.EINTR)
            {
                continue;
            }

            total += (int)Check(count, "pread", subject);
        }

        return total;
    }

    /// <summary>One write(2). Returns what it wrote, which can be less than all.</summary>
    public static int Write(SafeHandle handle, ReadOnlySpan<byte> bytes, string subject)
    {
        nint count;
        do
        {
            count = write(handle, bytes, (nuint)bytes.Length);
        }
        while (count == -1 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return (int)Check(count, "write", subject);
    }

    public static void WriteAll(SafeHandle handle, ReadOnlySpan<byte> bytes, string subject)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Write(handle, bytes, subject)..];
        }
    }

    public static void Flush(SafeHandle handle, string subject) => Check(fsync(handle), "fsync", subject);

    public static void FlushData(SafeHandle handle, string subject) => Check(fdatasync(handle), "fdatasync", subject);

    public static void FlushFileSystem(SafeHandle handle, string subject) => Check(syncfs(handle), "syncfs", subject);

    public static void FlushEverything() => sync();

    public static void Truncate(SafeHandle handle, long length, string subject) =>
        Check(ftruncate(handle, length), "ftruncate", subject);

    public static void Seek(SafeHandle handle, long offset, int whence, string subject) => Check(lseek(handle, offset, whence), "lseek", subject);

    /// <summary>A second name; of a symbolic link itself, if that is one.</summary>
    public static void Link(string from, string to) => Check(link(from, to), "link", $"{from} to {to}");

    public static void Rename(string from, string to) => Check(rename(from, to), "rename", $"{from} to {to}");

    /// <summary>False if there was nothing of that name.</summary>
    public static bool Unlink(string path)
    {
        int result = unlink(path);
        return result != -1 || (Marshal.GetLastPInvokeError() == Errno.ENOENT
            ? false
            : throw Failure("unlink", path));
    }

    /// <summary>False if something of that name is there already.</summary>
    public static bool MakeDirectory(string path, UnixFileMode mode)
    {
        int result = mkdir(path, (uint)mode);
        return result != -1 || (Marshal.GetLastPInvokeError() == Errno.EEXIST
            ? false
            : throw Failure("mkdir", path));
    }

    public static void ChangeMode(SafeHandle handle, UnixFileMode mode, string subject) =>
        Check(fchmod(handle, (uint)mode), "fchmod", subject);

    public static void Lock(SafeHandle handle, int operation, string subject)
    {
        int result;
        do
        {
            result = flock(handle, operation);
        }
        while (result == -1 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        Check(result, "flock", subject);
    }

    public static FileStatus Status(SafeHandle handle, string subject)
    {
        Check(statx(handle, "", AT_EMPTY_PATH, STATX_BASIC_STATS, out StatxBuffer buffer), "statx", subject);
        return new FileStatus(buffer.Mode, buffer.Uid, (long)buffer.Size, buffer.DeviceMajor, buffer.DeviceMinor);
    }

    /// <summary>Null if there is no such link (any more), or it may not be read.</summary>
    public static string? ReadLink(string path)
    {
        Span<byte> buffer = stackalloc byte[PathMaximum * 2];
        nint length = readlink(path, buffer, (nuint)buffer.Length);
        return length == -1 ? null : Encoding.UTF8.GetString(buffer[..(int)length]);
    }

    /// <summary>
    /// A second descriptor for the same open file, at or above <paramref name="minimum"/>, with CLOEXEC.
    /// </summary>
    public static SafeFileHandle Duplicate(SafeHandle handle, int minimum) =>
        Owned(Check(fcntl(handle, F_DUPFD_CLOEXEC, minimum), "fcntl", "F_DUPFD_CLOEXEC"));

    /// <summary>Those that can change on an open file: O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME, O_NONBLOCK.</summary>
    public static void SetFlags(SafeHandle handle, int flags) => Check(fcntl(handle, F_SETFL, flags), "fcntl", "F_SETFL");

    /// <summary>An anonymous file in memory that holds these bytes, positioned at its start.</summary>
    public static SafeFileHandle MemoryFile(string name, ReadOnlySpan<byte> content)
    {
        SafeFileHandle handle = Owned(Check(memfd_create(name, MFD_CLOEXEC), "memfd_create", name));
        WriteAll(handle, content, name);
        Check(lseek(handle, 0, SEEK_SET), "lseek", name);
        return handle;
    }

    public static (SafeFileHandle Reader, SafeFileHandle Writer) Pipe()
    {
        Span<int> ends = stackalloc int[2];
        Check(pipe2(ends, O_CLOEXEC), "pipe2");
        return (Owned(ends[0]), Owned(ends[1]));
    }

    public static int Control(SafeHandle handle, nuint request, Span<byte> argument) =>
        ioctl(handle, request, argument) == -1 ? Marshal.GetLastPInvokeError() : 0;

    private static SafeFileHandle Owned(int fd) => new(fd, ownsHandle: true);

    private const uint MFD_CLOEXEC = 1;
    private const int SEEK_SET = 0;

    internal readonly record struct FileStatus(uint Mode, uint Uid, long Size, uint DeviceMajor, uint DeviceMinor);

    /// <summary>struct statx: the same on every architecture, unlike struct stat.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(20)]
        public uint Uid;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint read(SafeHandle fd, Span<byte> buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint pread(SafeHandle fd, Span<byte> buffer, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint write(SafeHandle fd, ReadOnlySpan<byte> buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    private static partial long lseek(SafeHandle fd, long offset, int whence);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fsync(SafeHandle fd);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fdatasync(SafeHandle fd);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int syncfs(SafeHandle fd);

    [LibraryImport(Library)]
    private static partial void sync();

    [LibraryImport(Library, SetLastError = true)]
    private static partial int ftruncate(SafeHandle fd, long length);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string from, string to);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unlink(string path);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fchmod(SafeHandle fd, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int flock(SafeHandle fd, int operation);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeHandle directory, string path, int flags, uint mask, out StatxBuffer buffer);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint readlink(string path, Span<byte> buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fcntl(SafeHandle fd, int command, int argument);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int pipe2(Span<int> ends, int flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int ioctl(SafeHandle fd, nuint request, Span<byte> argument);
}
