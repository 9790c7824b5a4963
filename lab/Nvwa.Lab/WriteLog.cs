using System.Buffers.Binary;

namespace Nvwa.Lab;

/// <param name="DiskOffset">Where on the disk, in bytes.</param>
/// <param name="Length">In bytes.</param>
/// <param name="LogOffset">Where in the log its content is.</param>
internal readonly record struct LoggedWrite(long DiskOffset, long Length, long LogOffset);

/// <summary>
/// What QEMU's blklogwrites writes, which is the format of Linux' dm-log-writes. All numbers are little-endian, everything
/// begins at a sector.
/// <code>
/// sector 0      u64 magic, u64 version, u64 entries, u32 sector size     rewritten at the end of each flush
/// then each     u64 sector, u64 sectors, u64 flags, u64 unused           followed by that many sectors, but none after a discard
/// </code>
/// </summary>
internal static class WriteLog
{
    private const ulong Magic = 0x6a736677736872;
    private const ulong Version = 1;
    private const ulong FlushFlag = 1;
    private const int HeaderBytes = 32;

    /// <summary>The writes that ended before the last flush that ended, in their order.</summary>
    /// <exception cref="LabException">It is not such a log, or has a hole.</exception>
    public static IReadOnlyList<LoggedWrite> ReadFlushed(FileStream log)
    {
        if (log.Length == 0)
        {
            return [];
        }

        (ulong magic, ulong version, ulong entries, ulong sectorSize) = Numbers(log, 0);
        if (magic == 0)
        {
            // Nothing was flushed yet.
            return [];
        }

        long sectorBytes = (long)(sectorSize & uint.MaxValue);
        if (magic != Magic || version != Version || sectorBytes < HeaderBytes)
        {
            throw new LabException($"{log.Name} is not a log of writes");
        }

        var writes = new List<LoggedWrite>();
        int flushed = 0;
        long position = sectorBytes;
        for (ulong entry = 0; entry < entries; entry++)
        {
            (ulong sector, ulong sectors, ulong flags, _) = Numbers(log, position);
            position += sectorBytes;
            switch (flags)
            {
                case 0 when sectors > 0:
                    writes.Add(new LoggedWrite((long)sector * sectorBytes, (long)sectors * sectorBytes, position));
                    position += (long)sectors * sectorBytes;
                    break;
                case FlushFlag:
                    flushed = writes.Count;
                    break;
                default:
                    // A write whose place was taken when QEMU was killed, but not yet filled: what follows cannot be found.
                    // It takes a kill within microseconds. A discard cannot be here: the guest's are ignored.
                    throw new LabException($"{log.Name}: entry {entry} is neither a write nor a flush (flags {flags}): the scenario tells nothing, run it again");
            }
        }

        return writes[..flushed];
    }

    private static (ulong First, ulong Second, ulong Third, ulong Fourth) Numbers(FileStream log, long position)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        int read = RandomAccess.Read(log.SafeFileHandle, header, position);
        return read == HeaderBytes
            ? (Number(header, 0), Number(header, 1), Number(header, 2), Number(header, 3))
            : throw new LabException($"{log.Name} ends in the middle, at {position}");
    }

    private static ulong Number(ReadOnlySpan<byte> header, int index) => BinaryPrimitives.ReadUInt64LittleEndian(header[(index * 8)..]);
}
