using System.Buffers.Binary;
using Google.Protobuf;

namespace Nvwa.Criu.Images;

/// <summary>
/// The frame around all of CRIU's image files that are not raw:
/// <code>
///   u32 head magic     common or service; absent in inventory.img
///   u32 magic          the kind of file
///   { u32 length, a protobuf message of that length }   until the end
/// </code>
/// Numbers are in the byte order of the machine, which is little-endian on all that are supported here.
/// </summary>
/// <remarks>
/// Nothing read is believed: the file is measured before memory is taken for it, every length is checked against what
/// is left, and every message for its required fields.
/// </remarks>
internal static class ImageFile
{
    public const uint CommonHead = 0x54564319;
    public const uint ServiceHead = 0x55105940;
    public const uint InventoryMagic = 0x58313116;
    public const uint PstreeMagic = 0x50273030;
    public const uint StatsMagic = 0x57093306;
    public const uint FilesMagic = 0x56303138;
    public const uint DescriptorsMagic = 0x56213732;

    private const int WordLength = sizeof(uint);

    /// <summary>Reads a file that must not be longer than <paramref name="maximumLength"/> bytes.</summary>
    public static byte[] ReadBounded(string path, int maximumLength)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (stream.Length > maximumLength)
        {
            throw TooLarge(path, stream.Length, maximumLength);
        }

        byte[] content = new byte[stream.Length];
        try
        {
            stream.ReadExactly(content);
        }
        catch (EndOfStreamException error)
        {
            throw new ImageFormatException(path, ImageFault.Truncated, "the file shrank while it was read", error);
        }

        return content;
    }

    /// <summary>All entries of a file.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="content">The whole file.</param>
    /// <param name="magics">What it must start with, one word after the other.</param>
    /// <param name="parser">Of the entries.</param>
    public static List<T> Parse<T>(
        string name,
        ReadOnlySpan<byte> content,
        ReadOnlySpan<uint> magics,
        MessageParser<T> parser)
        where T : IMessage<T>
    {
        ReadOnlySpan<byte> rest = content;
        foreach (uint expected in magics)
        {
            uint found = TakeWord(name, ref rest);
            if (found != expected)
            {
                throw new ImageFormatException(
                    name,
                    ImageFault.WrongMagic,
                    $"starts with {found:x8} where {expected:x8} belongs");
            }
        }

        List<T> entries = [];
        while (!rest.IsEmpty)
        {
            uint length = TakeWord(name, ref rest);
            if (length > (uint)rest.Length)
            {
                throw new ImageFormatException(
                    name,
                    ImageFault.Truncated,
                    $"entry {entries.Count} claims {length} bytes, {rest.Length} are left");
            }

            entries.Add(ParseEntry(name, entries.Count, rest[..(int)length], parser));
            rest = rest[(int)length..];
        }

        return entries;
    }

    /// <summary>The reverse of <see cref="Parse"/>; what the messages do not name is among what they write.</summary>
    public static byte[] Format<T>(ReadOnlySpan<uint> magics, IReadOnlyList<T> entries)
        where T : IMessage<T>
    {
        byte[] content = new byte[((magics.Length + entries.Count) * WordLength) + entries.Sum(entry => entry.CalculateSize())];
        Span<byte> rest = content;
        foreach (uint magic in magics)
        {
            PutWord(ref rest, magic);
        }

        foreach (T entry in entries)
        {
            int length = entry.CalculateSize();
            PutWord(ref rest, (uint)length);
            entry.WriteTo(rest[..length]);
            rest = rest[length..];
        }

        return content;
    }

    /// <summary>The entry of a file that has exactly one.</summary>
    public static T Single<T>(string name, List<T> entries) => entries.Count == 1
        ? entries[0]
        : throw new ImageFormatException(name, ImageFault.WrongCount, $"has {entries.Count} entries instead of one");

    public static ImageFormatException TooLarge(string name, long length, long maximumLength) =>
        new(name, ImageFault.TooLarge, $"{length} bytes, more than {maximumLength}");

    private static uint TakeWord(string name, ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < WordLength)
        {
            throw new ImageFormatException(name, ImageFault.Truncated, $"ends with {rest.Length} bytes of a word");
        }

        uint word = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        rest = rest[WordLength..];
        return word;
    }

    private static void PutWord(ref Span<byte> rest, uint word)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(rest, word);
        rest = rest[WordLength..];
    }

    private static T ParseEntry<T>(string name, int index, ReadOnlySpan<byte> bytes, MessageParser<T> parser)
        where T : IMessage<T>
    {
        T entry;
        try
        {
            entry = parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new ImageFormatException(name, ImageFault.BadEntry, $"entry {index} is no message", error);
        }

        return entry.IsInitialized()
            ? entry
            : throw new ImageFormatException(name, ImageFault.BadEntry, $"entry {index} lacks a required field");
    }
}
