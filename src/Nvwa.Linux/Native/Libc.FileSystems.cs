using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>statfs(2) and the ioctl for a file system's UUID.</summary>
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

    /// <summary>Which type of file system it lies on, links of /proc followed; 0 if it is not there (any more).</summary>
    public static long FileSystemMagic(string path) => statfs(path, out FileSystemStatistics statistics) == 0 ? statistics.Magic : 0;

    /// <summary>struct statfs of 64-bit systems.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct FileSystemStatistics
    {
        [FieldOffset(0)]
        public long Magic;

        [FieldOffset(32)]
        public ulong BlocksAvailable;

        [FieldOffset(72)]
        public long FragmentSize;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fstatfs(SafeHandle fd, out FileSystemStatistics statistics);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statfs(string path, out FileSystemStatistics statistics);
}
