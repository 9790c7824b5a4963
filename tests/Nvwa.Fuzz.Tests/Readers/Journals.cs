using System.Buffers.Binary;
using System.Numerics;
using System.Reflection;
using System.Text.Json.Serialization;
using Nvwa.Core.Journal;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>Journals as they are written, of invented records.</summary>
internal static class Journals
{
    private static readonly Type[] Types =
        [.. typeof(JournalRecord).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType)];

    /// <summary>Its first record opens it, as in each real one.</summary>
    public static byte[] Some(Chance chance)
    {
        JournalRecord[] records = [Invented.Of<Opened>(chance), .. Enumerable.Range(0, chance.Below(8)).Select(_ => Record(chance))];
        byte[] bytes = Encode(records);
        JournalCodec.Decoded decoded = JournalCodec.Decode(bytes);
        Assert.Equal(bytes.Length, decoded.ValidLength);
        Assert.Equivalent(records, decoded.Records, strict: true);
        Assert.Equal(bytes, Encode(decoded.Records));
        return bytes;
    }

    public static JournalRecord Record(Chance chance) => (JournalRecord)Invented.Of(chance.Pick(Types), chance);

    public static byte[] Encode(IEnumerable<JournalRecord> records) =>
        [.. JournalCodec.Header, .. records.SelectMany(JournalCodec.Encode)];

    /// <summary>A payload with the length and the checksum that it must have to be believed.</summary>
    public static byte[] Seal(byte[] payload)
    {
        byte[] prefix = new byte[2 * sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)payload.Length);
        uint crc = prefix.Take(sizeof(uint)).Concat(payload).Aggregate(uint.MaxValue, BitOperations.Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(prefix.AsSpan(sizeof(uint)), ~crc);
        return [.. JournalCodec.Header, .. prefix, .. payload];
    }
}

/// <summary>The file.</summary>
internal sealed class JournalBytes() : Target("journal")
{
    public override int Rounds => 1_000;

    public override byte[] Valid(Chance chance) => Journals.Some(chance);

    public override Task ReadAsync(byte[] input)
    {
        try
        {
            JournalCodec.Decoded decoded = JournalCodec.Decode(input);
            JournalCodec.Decoded again = JournalCodec.Decode(input.AsSpan(0, decoded.ValidLength));
            Assert.InRange(decoded.ValidLength, 0, input.Length);
            Assert.Equal(decoded.ValidLength, again.ValidLength);
            Assert.Equal(decoded.Records.Count, again.Records.Count);
        }
        catch (InvalidDataException)
        {
            // Not a journal.
        }

        return Task.CompletedTask;
    }
}

/// <summary>What stands in a record whose checksum holds: JSON of this version, of a later one, or of a bug.</summary>
internal sealed class JournalPayload() : Target("journal-payload")
{
    public override int Rounds => 6_000;

    public override IReadOnlyList<byte[]> Words { get; } = Bytes(
        "null", "7", "\"7\"", "true", "[]", "{}", "[null]", "\"record\":\"opened\",", "\"record\":\"planned\"", "\"at\":null,", "1e400", "-1", "\"\\ud800\"", ",", "\"phase\":\"None\"");

    public override IReadOnlyList<byte[]> Openers { get; } = Bytes("[", "{\"a\":", "{\"workloads\":[", " ");

    public override byte[] Valid(Chance chance) => JournalCodec.Encode(Journals.Record(chance))[(2 * sizeof(uint))..];

    public override Task ReadAsync(byte[] input)
    {
        try
        {
            // Also what is made of it: a record that is believed must not break the fold.
            IReadOnlyList<JournalRecord> records = JournalCodec.Decode(Journals.Seal(input)).Records;
            Assert.Equal(input.Length is > 0 and <= JournalCodec.MaxPayload ? 1 : 0, records.Count);
            var update = UpdateState.Of(records.Prepend(new Opened("", "", "", "", "", "", false, default)));
            Assert.NotEqual(NextStep.None, update!.Next("some boot"));
            Assert.All(update.Workloads, workload => Blackout.Of(update, workload));
        }
        catch (InvalidDataException)
        {
            // Not what this version writes.
        }

        return Task.CompletedTask;
    }
}

/// <summary>
/// A whole journal that is cut at any byte, or has one bit turned over at any place: what is read is always the beginning
/// of what was written.
/// </summary>
internal sealed class JournalTorn() : Target("journal-torn")
{
    private const int Tries = 200;

    public override int Rounds => 30;

    public override bool IsDamaged => false;

    public override long AllocatedAtMost => 1 << 30;

    public override byte[] Valid(Chance chance) => Journals.Some(chance);

    public override Task ReadAsync(byte[] input)
    {
        byte[][] written = [.. JournalCodec.Decode(input).Records.Select(JournalCodec.Encode)];
        var chance = new Chance((ulong)input.Length);
        for (int i = 0; i < Tries; i++)
        {
            int place = chance.Below(input.Length);
            IsBeginning(JournalCodec.Decode(input.AsSpan(0, place)).Records, written, place);
            Flipped([.. input], place, 1 << chance.Below(8), written);
        }

        return Task.CompletedTask;
    }

    private static void Flipped(byte[] bytes, int place, int bit, byte[][] written)
    {
        bytes[place] ^= (byte)bit;
        if (place < JournalCodec.Header.Length)
        {
            Assert.Throws<InvalidDataException>(() => JournalCodec.Decode(bytes));
        }
        else
        {
            IReadOnlyList<JournalRecord> read;
            try
            {
                read = JournalCodec.Decode(bytes).Records;
            }
            catch (InvalidDataException)
            {
                // Damaged before its last record: refused as a whole.
                return;
            }

            IsBeginning(read, written, place);
        }
    }

    /// <summary>All records that end before the place, and no others.</summary>
    private static void IsBeginning(IReadOnlyList<JournalRecord> read, byte[][] written, int place)
    {
        int end = JournalCodec.Header.Length;
        int whole = written.TakeWhile(record => (end += record.Length) <= place).Count();
        Assert.Equal(written.Take(whole), read.Select(JournalCodec.Encode));
    }
}
