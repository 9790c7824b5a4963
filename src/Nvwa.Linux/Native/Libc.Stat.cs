using System.Runtime.InteropServices;
using System.Text;

namespace Nvwa.Linux;

/// <summary>statx(2) and getxattr(2) by path, links of /proc followed to what they stand for.</summary>
internal static partial class Libc
{
    public const int AT_SYMLINK_NOFOLLOW = 0x100;

    private const int AT_FDCWD = -100;

    /// <summary>A server that is gone must not hold us up: what is cached is good enough.</summary>
    private const int AT_STATX_DONT_SYNC = 0x4000;

    private const int XattrMaximum = 256;

    /// <summary>Null if the path is not there (any more), or cannot be reached.</summary>
    public static FileIdentity? TryIdentify(string path, int flags = 0) =>
        statx(AT_FDCWD, path, flags | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, out StatxIdentity buffer) == -1
            ? null
            : new FileIdentity(
                TypeOf(buffer.Mode & S_IFMT),
                buffer.Mode & ~S_IFMT,
                buffer.Links,
                buffer.Uid,
                new DeviceNumber(buffer.DeviceMajor, buffer.DeviceMinor),
                buffer.Inode,
                (long)buffer.Size,
                (long)buffer.Blocks * BlockUnit,
                new DeviceNumber(buffer.SpecialMajor, buffer.SpecialMinor));

    /// <summary>An extended attribute that is text; null if there is none.</summary>
    public static string? TryAttribute(string path, string name)
    {
        Span<byte> value = stackalloc byte[XattrMaximum];
        nint length = getxattr(path, name, value, (nuint)value.Length);
        return length <= 0 ? null : Encoding.UTF8.GetString(value[..(int)length]).TrimEnd('\0');
    }

    private static FileType TypeOf(uint format) => format switch
    {
        0x1000 => FileType.Pipe,
        0x2000 => FileType.CharacterDevice,
        0x4000 => FileType.Directory,
        0x6000 => FileType.BlockDevice,
        0x8000 => FileType.Regular,
        0xA000 => FileType.Link,
        0xC000 => FileType.Socket,
        _ => FileType.None,
    };

    private const uint S_IFMT = 0xF000;

    /// <summary>stx_blocks counts these, whatever the file system's own block is.</summary>
    private const int BlockUnit = 512;

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxIdentity
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(20)]
        public uint Uid;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(48)]
        public ulong Blocks;

        [FieldOffset(128)]
        public uint SpecialMajor;

        [FieldOffset(132)]
        public uint SpecialMinor;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, out StatxIdentity buffer);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getxattr(string path, string name, Span<byte> value, nuint size);
}
