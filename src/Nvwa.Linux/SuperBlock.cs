using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// The UUID of a file system as it stands on its device, for kernels that cannot be asked (before 6.9). Offsets in
/// bytes: ext2/3/4 superblock at 1024, magic EF53 at 0x38, UUID at 0x68; xfs magic "XFSB" at 0, UUID at 32; btrfs
/// superblock at 64 KiB, UUID at 0x20, magic "_BHRfS_M" at 0x40.
/// </summary>
internal static class SuperBlock
{
    private const int ExtStart = 1024;
    private const int BtrfsStart = 65536;
    private const int Size = 256;
    private const int UuidSize = 16;

    /// <summary>Null for other types, or if the device cannot be read.</summary>
    public static Guid? ReadUuid(Mount mount)
    {
        // The source of a root mount can be the word /dev/root; the number is of no use for btrfs, which has its own.
        using SafeFileHandle? device = Libc.TryOpen(mount.Source, Libc.O_RDONLY, out _)
            ?? Libc.TryOpen($"/dev/block/{mount.Device}", Libc.O_RDONLY, out _);
        return device is null ? null : mount.Type switch
        {
            "ext2" or "ext3" or "ext4" => Ext(Read(device, ExtStart, mount.Source)),
            "xfs" => Xfs(Read(device, 0, mount.Source)),
            "btrfs" => Btrfs(Read(device, BtrfsStart, mount.Source)),
            _ => null,
        };
    }

    internal static Guid? Ext(ReadOnlySpan<byte> block) =>
        BinaryPrimitives.ReadUInt16LittleEndian(block[0x38..]) == 0xEF53 ? Uuid(block[0x68..]) : null;

    internal static Guid? Xfs(ReadOnlySpan<byte> block) => block.StartsWith("XFSB"u8) ? Uuid(block[32..]) : null;

    internal static Guid? Btrfs(ReadOnlySpan<byte> block) =>
        block[0x40..].StartsWith("_BHRfS_M"u8) ? Uuid(block[0x20..]) : null;

    private static Guid Uuid(ReadOnlySpan<byte> bytes) => new(bytes[..UuidSize], bigEndian: true);

    private static byte[] Read(SafeFileHandle device, long start, string subject)
    {
        byte[] block = new byte[Size];
        Libc.ReadAt(device, block, start, subject);
        return block;
    }
}
