using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>fstatfs(2) and the ioctl for a file system's UUID.</summary>
internal static partial class Libc
{
    /// <summary>
    /// _IOR(0x15, 0, struct fsuuid2): a length byte and 16 bytes. Since Linux 6.9, and not for every type.
    /// </summary>
    private const nuint FS_IOC_GETFSUUID = 0x8011_1500;

    private const int UuidSize = 16;

    public static long FreeBytes(SafeHandle handle, string subject)
    {
        Check(fstatfs(handle, out FileSystemStatistics statistics), "fstatfs", subject);
        return (long)statistics.BlocksAvailable * statistics.FragmentSize;
    }

    /// <summary>Null if the kernel or the file system's type does not know.</summary>
    public static Guid? FileSystemUuid(SafeHandle handle)
    {
        Span<byte> answer = stackalloc byte[1 + UuidSize];
        return Control(handle, FS_IOC_GETFSUUID, answer) == 0 && answer[0] == UuidSize
            ? new Guid(answer[1..], bigEndian: true)
            : null;
    }

    /// <summary>struct statfs of 64-bit systems.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct FileSystemStatistics
    {
        [FieldOffset(32)]
        public ulong BlocksAvailable;

        [FieldOffset(72)]
        public long FragmentSize;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fstatfs(SafeHandle fd, out FileSystemStatistics statistics);
}
