using System.Buffers.Binary;

namespace Nvwa.Lab;

/// <summary>A packet from its link layer on, as far as it was kept.</summary>
internal sealed record PcapPacket(DateTimeOffset Time, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Reads pcap files as tcpdump writes them on this machine (byte order of the host, microseconds, Ethernet).
/// <code>
/// header   magic a1b2c3d4 | version 2+2 | 4+4 unused | snap length 4 | link type 4
/// packet   seconds 4 | microseconds 4 | kept bytes 4 | original bytes 4 | the kept bytes
/// </code>
/// A torn last packet is legal: the writer may have been killed.
/// </summary>
internal static class PcapReader
{
    private const uint Magic = 0xa1b2c3d4;
    private const uint EthernetLink = 1;
    private const int HeaderBytes = 24;
    private const int LinkTypeOffset = 20;
    private const int RecordBytes = 16;
    private const int MaxPacketBytes = 256 << 10;

    public static IEnumerable<PcapPacket> Read(Stream file)
    {
        byte[] header = new byte[HeaderBytes];
        file.ReadExactly(header);
        if (Word(header, 0) != Magic || Word(header, LinkTypeOffset) != EthernetLink)
        {
            throw new LabException("not a pcap file of Ethernet frames");
        }

        byte[] record = new byte[RecordBytes];
        while (IsFull(file, record))
        {
            uint length = Word(record, 8);
            if (length > MaxPacketBytes)
            {
                throw new LabException($"a captured packet claims {length} bytes");
            }

            byte[] bytes = new byte[length];
            if (!IsFull(file, bytes))
            {
                yield break;
            }

            DateTimeOffset time = DateTimeOffset.FromUnixTimeSeconds(Word(record, 0)).AddMicroseconds(Word(record, 4));
            yield return new PcapPacket(time, bytes);
        }
    }

    private static bool IsFull(Stream file, byte[] buffer) =>
        file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) == buffer.Length;

    private static uint Word(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));
}
