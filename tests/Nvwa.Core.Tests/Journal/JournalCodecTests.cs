using System.Buffers.Binary;
using System.Reflection;
using System.Text;
using System.Text.Json.Serialization;
using Nvwa.Core.Journal;

namespace Nvwa.Core.Tests.Journal;

public sealed class JournalCodecTests
{
    private const int Prefix = 8;

    public static TheoryData<string> TypeNames => [.. Records.All.Select(record => record.GetType().Name)];

    [Fact]
    public void The_sample_holds_every_type_of_record_once()
    {
        Type[] concrete = [.. typeof(JournalRecord).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(JournalRecord)) && !type.IsAbstract)];
        Type[] named = [.. typeof(JournalRecord).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType)];

        Assert.Equal(Names(concrete), Names(named));
        Assert.Equal(Names(concrete), Names(Records.All.Select(record => record.GetType())));
    }

    /// <summary>Else a property that is forgotten in the format would go unnoticed.</summary>
    [Theory]
    [MemberData(nameof(TypeNames))]
    public void The_sample_sets_every_property_to_something(string name)
    {
        JournalRecord record = Records.All.Single(record => record.GetType().Name == name);

        foreach (PropertyInfo property in record.GetType().GetProperties())
        {
            object? value = property.GetValue(record);
            Assert.NotNull(value);
            Assert.False(value.Equals(value.GetType().IsValueType ? Activator.CreateInstance(value.GetType()) : null), property.Name);
            Assert.False(value is System.Collections.ICollection { Count: 0 } or "", property.Name);
        }
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void A_record_comes_back_as_it_was(string name) => RoundTrip(Records.All.Single(record => record.GetType().Name == name));

    [Fact]
    public void A_record_with_nothing_in_it_comes_back_as_it_was() => Assert.All(Records.Sparse, RoundTrip);

    [Theory]
    [InlineData("journal-1")]
    [InlineData("journal-2")]
    [InlineData("journal-3")]
    [InlineData("journal-4")]
    [InlineData("journal-5")]
    public void Golden_journals_of_all_times_are_read(string name)
    {
        byte[] bytes = Golden(name);
        IReadOnlyList<JournalRecord> written = name switch { "journal-1" => Records.First, "journal-2" => Records.Second, "journal-3" => Records.Third, "journal-4" => Records.Fourth, _ => Records.All };

        JournalCodec.Decoded decoded = JournalCodec.Decode(bytes);

        Assert.Equal(bytes.Length, decoded.ValidLength);
        Assert.Equal(written.Count, decoded.Records.Count);
        Assert.All(written.Zip(decoded.Records), pair => Same(pair.First, pair.Second));
    }

    /// <summary>Fails when the format changes: then a new golden file is made beside this one, which must still be read.</summary>
    [Fact]
    public void What_is_written_today_is_what_the_golden_journal_holds() =>
        Assert.Equal(Encoding.UTF8.GetString(Golden()), Encoding.UTF8.GetString(Encode(Records.All)));

    [Fact]
    public void A_journal_without_records_is_its_header() =>
        Assert.Equivalent(new JournalCodec.Decoded([], 8), JournalCodec.Decode("NVWAJRN1"u8));

    [Fact]
    public void Torn_at_any_byte_what_is_left_is_the_whole_records_before_it()
    {
        byte[] bytes = Golden();
        int[] ends = Ends();

        for (int length = 0; length <= bytes.Length; length++)
        {
            JournalCodec.Decoded decoded = JournalCodec.Decode(bytes.AsSpan(0, length));

            int whole = ends.Count(end => end <= length);
            Assert.Equal(whole, decoded.Records.Count);
            Assert.Equal(length < 8 ? 0 : whole == 0 ? 8 : ends[whole - 1], decoded.ValidLength);
            IsPrefix(decoded.Records);
        }
    }

    [Fact]
    public void Zeros_behind_the_last_record_are_a_torn_tail()
    {
        byte[] bytes = [.. Golden(), .. new byte[4096]];

        Assert.Equal(Golden().Length, JournalCodec.Decode(bytes).ValidLength);
    }

    [Fact]
    public void A_flipped_bit_never_makes_other_records_than_were_written()
    {
        byte[] bytes = Golden();
        int[] ends = Ends();

        for (int at = 8; at < bytes.Length; at++)
        {
            int before = ends.Count(end => end <= at);
            int start = before == 0 ? 8 : ends[before - 1];
            for (int bit = 0; bit < 8; bit++)
            {
                // The records before it are tried once a byte; for each bit it is enough to begin at its own.
                byte[] damaged = [.. JournalCodec.Header, .. bytes.AsSpan(bit == 0 ? 8 : start)];
                damaged[8 + at - (bit == 0 ? 8 : start)] ^= (byte)(1 << bit);

                if (before < ends.Length - 1)
                {
                    // Whole records follow: no crash did that.
                    Assert.Throws<InvalidDataException>(() => JournalCodec.Decode(damaged));
                    continue;
                }

                IReadOnlyList<JournalRecord> read = JournalCodec.Decode(damaged).Records;

                Assert.Equal(bit == 0 ? before : 0, read.Count);
                IsPrefix(read);
            }
        }
    }

    [Theory]
    [InlineData("NVWAJRN2")]
    [InlineData("nvwajrn1")]
    [InlineData("NVWAJRN")]
    [InlineData("#!/bin/s")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public void Bytes_that_begin_otherwise_are_not_a_journal(string magic) =>
        Assert.Throws<InvalidDataException>(() => JournalCodec.Decode([.. Encoding.ASCII.GetBytes(magic), .. Golden().AsSpan(8)]));

    [Theory]
    [InlineData(0u)]
    [InlineData(JournalCodec.MaxPayload + 1u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0x80000000u)]
    [InlineData(0xFFFFFFF8u)]
    [InlineData(uint.MaxValue)]
    public void A_length_that_no_record_has_ends_the_journal(uint length)
    {
        byte[] bytes = [.. Golden(), .. new byte[64]];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Golden().Length), length);

        JournalCodec.Decoded decoded = JournalCodec.Decode(bytes);

        Assert.Equal(Golden().Length, decoded.ValidLength);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("not JSON")]
    [InlineData("{\"record\":\"from-the-future\"}")]
    [InlineData("{\"record\":\"committed\"}")]
    [InlineData("{\"record\":\"revoked\",\"reason\":null}")]
    [InlineData("{\"record\":\"closed\",\"outcome\":\"Unheard\",\"rtc\":null,\"at\":{\"boottime\":1,\"realtime\":2}}")]
    public void A_valid_record_that_this_version_cannot_read_is_not_guessed_past(string payload) =>
        Assert.Throws<InvalidDataException>(() => JournalCodec.Decode([.. Encode([Records.Opened]), .. Frame(Encoding.UTF8.GetBytes(payload))]));

    [Fact]
    public void A_property_that_a_later_version_added_does_no_harm()
    {
        byte[] later = Frame("{\"record\":\"revoked\",\"reason\":\"x\",\"new\":[1]}"u8.ToArray());

        Assert.Equal(new Revoked("x"), JournalCodec.Decode([.. JournalCodec.Header, .. later]).Records.Single());
    }

    [Fact]
    public void A_record_over_the_limit_is_not_written() =>
        Assert.Throws<ArgumentException>(() => JournalCodec.Encode(new Revoked(new string('x', JournalCodec.MaxPayload))));

    [Fact]
    public void A_record_at_the_limit_is_written_and_read()
    {
        int frame = JournalCodec.Encode(new Revoked("")).Length - Prefix;
        var largest = new Revoked(new string('x', JournalCodec.MaxPayload - frame));

        Assert.Equal(JournalCodec.MaxPayload + Prefix, JournalCodec.Encode(largest).Length);
        RoundTrip(largest);
    }

    private static byte[] Golden(string name = "journal-5") => File.ReadAllBytes(Path.Join(AppContext.BaseDirectory, "Golden", name));

    private static byte[] Encode(IEnumerable<JournalRecord> records) => [.. JournalCodec.Header, .. records.SelectMany(JournalCodec.Encode)];

    /// <summary>Where each record of the golden journal ends.</summary>
    private static int[] Ends()
    {
        int at = 8;
        return [.. Records.All.Select(record => at += JournalCodec.Encode(record).Length)];
    }

    /// <summary>CRC-32C the slow way, from its polynomial: the format is not what the code under test says it is.</summary>
    private static byte[] Frame(byte[] payload)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)payload.Length);
        uint crc = uint.MaxValue;
        foreach (byte value in length.Concat(payload))
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
            }
        }

        byte[] check = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(check, ~crc);
        return [.. length, .. check, .. payload];
    }

    private static void RoundTrip(JournalRecord record)
    {
        byte[] bytes = Encode([record]);

        JournalCodec.Decoded decoded = JournalCodec.Decode(bytes);

        Assert.Equal(bytes.Length, decoded.ValidLength);
        Same(record, Assert.Single(decoded.Records));
    }

    private static void IsPrefix(IReadOnlyList<JournalRecord> read) =>
        Assert.Equal(Encode(Records.All.Take(read.Count)), Encode(read));

    private static void Same(JournalRecord expected, JournalRecord actual)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        Assert.Equal(JournalCodec.Encode(expected), JournalCodec.Encode(actual));
        Assert.Equivalent(expected, actual, strict: true);
    }

    private static string[] Names(IEnumerable<Type> types) => [.. types.Select(type => type.Name).Order(StringComparer.Ordinal)];
}
