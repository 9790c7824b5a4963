using System.Buffers.Binary;
using System.Text.Json;

namespace Nvwa.Core.Journal;

/// <summary>
/// The bytes of a journal:
/// <code>
///   file   = header record*
///   header = "NVWAJRN1"                                   8 bytes; the digit is the version
///   record = length:u32le crc:u32le payload               payload = UTF-8 JSON, length bytes
/// </code>
/// <c>crc</c> is CRC-32C over length (4 bytes) and payload. A record has 1 to <see cref="MaxPayload"/> bytes. The last
/// record may be torn, by a crash while it was written: a tail that is no whole valid record is not part of the journal,
/// and <see cref="Decoded.ValidLength"/> says where it begins. Bytes that begin otherwise are not a journal.
/// </summary>
public static class JournalCodec
{
    public const int MaxPayload = 1 << 20;
    private const int Prefix = 8;

    /// <summary>The bytes that begin a journal.</summary>
    public static ReadOnlySpan<byte> Header => "NVWAJRN1"u8;

    /// <param name="Records">All that is whole and valid, in order.</param>
    /// <param name="ValidLength">Bytes up to the end of the last one; what follows is torn.</param>
    public sealed record Decoded(IReadOnlyList<JournalRecord> Records, int ValidLength);

    /// <exception cref="ArgumentException">The record is too large to be written.</exception>
    public static byte[] Encode(JournalRecord record)
    {
        byte[] payload = JsonSerializer.SerializeToUtf8Bytes(record, JournalJson.Default.JournalRecord);
        if (payload.Length > MaxPayload)
        {
            throw new ArgumentException($"a journal record of {payload.Length} bytes is over the limit of {MaxPayload}", nameof(record));
        }

        byte[] bytes = new byte[Prefix + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)payload.Length);
        payload.CopyTo(bytes, Prefix);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Checksum(bytes.AsSpan(0, 4), payload));
        return bytes;
    }

    /// <exception cref="InvalidDataException">
    /// These are not the bytes of a journal of this version, or they are damaged before the last record.
    /// </exception>
    public static Decoded Decode(ReadOnlySpan<byte> bytes)
    {
        int whole = WholeLength(bytes);
        var records = new List<JournalRecord>();
        for (int at = Header.Length; at < whole;)
        {
            int length = Prefix + (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            // The checksum holds, so these are bytes that some nvwa wrote: JSON that cannot be read is a newer format, not a
            // torn tail, and guessing past it would lose steps.
            records.Add(Parse(bytes[(at + Prefix)..(at + length)]));
            at += length;
        }

        return new Decoded(records, whole);
    }

    /// <summary>Bytes up to the end of the last whole record, by lengths and checksums alone.</summary>
    /// <exception cref="InvalidDataException">See <see cref="Decode"/>.</exception>
    public static int WholeLength(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Header))
        {
            // A header that a crash cut short is a journal without records.
            return Header.StartsWith(bytes) ? 0 : throw new InvalidDataException("not a journal of nvwa: it does not begin with NVWAJRN1");
        }

        int at = Header.Length;
        while (IsRecord(bytes[at..], out int length))
        {
            at += length;
        }

        RefuseDamage(bytes, at);
        return at;
    }

    /// <summary>
    /// Only the last record can be torn. Where a whole one follows, what is before it was damaged on the disk: to read on would
    /// be a guess, and to cut it off would forget steps that were taken.
    /// </summary>
    private static void RefuseDamage(ReadOnlySpan<byte> bytes, int end)
    {
        for (int at = end + 1; at < bytes.Length - Prefix; at++)
        {
            if (bytes[at + Prefix] == '{' && IsRecord(bytes[at..], out _))
            {
                throw new InvalidDataException($"the journal is damaged at byte {end}: whole records follow");
            }
        }
    }

    private static bool IsRecord(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.Length < Prefix)
        {
            return false;
        }

        uint payloadLength = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (payloadLength is 0 or > MaxPayload || payloadLength > bytes.Length - Prefix)
        {
            return false;
        }

        ReadOnlySpan<byte> payload = bytes.Slice(Prefix, (int)payloadLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) != Checksum(bytes[..4], payload))
        {
            return false;
        }

        length = Prefix + (int)payloadLength;
        return true;
    }

    private static JournalRecord Parse(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, JournalJson.Default.JournalRecord)
                ?? throw new InvalidDataException("a journal record is null");
        }
        catch (Exception broken) when (broken is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"a journal record cannot be read by this version of nvwa: {broken.Message}", broken);
        }
    }

    private static uint Checksum(ReadOnlySpan<byte> length, ReadOnlySpan<byte> payload)
    {
        uint crc = Crc32C(uint.MaxValue, length);
        return ~Crc32C(crc, payload);
    }

    private static uint Crc32C(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            crc = System.Numerics.BitOperations.Crc32C(crc, value);
        }

        return crc;
    }
}
