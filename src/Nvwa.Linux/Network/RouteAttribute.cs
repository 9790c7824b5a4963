using System.Buffers.Binary;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// struct rtattr of rtnetlink(7): length 2 | type 2 | value, padded to 4. A value may be attributes again.
/// </summary>
/// <param name="Type">With the kernel's flag bits, as it came.</param>
/// <param name="Value">Without padding.</param>
internal readonly record struct RouteAttribute(ushort Type, byte[] Value)
{
    private const int HeaderSize = 4;

    /// <summary>The type without its flag bits.</summary>
    public ushort Number => (ushort)(Type & Rtnetlink.NLA_TYPE_MASK);

    /// <exception cref="InvalidDataException">A length that does not fit.</exception>
    public static List<RouteAttribute> Parse(ReadOnlySpan<byte> bytes)
    {
        List<RouteAttribute> attributes = [];
        while (bytes.Length >= HeaderSize)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            if (length < HeaderSize || length > bytes.Length)
            {
                throw new InvalidDataException($"An attribute of {length} bytes in {bytes.Length}.");
            }

            attributes.Add(new RouteAttribute(BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]), bytes[HeaderSize..length].ToArray()));
            bytes = bytes[Math.Min(Aligned(length), bytes.Length)..];
        }

        return attributes;
    }

    public static byte[] Encode(IReadOnlyCollection<RouteAttribute> attributes)
    {
        byte[] bytes = new byte[attributes.Sum(each => Aligned(HeaderSize + each.Value.Length))];
        int at = 0;
        foreach (RouteAttribute each in attributes)
        {
            int length = HeaderSize + each.Value.Length;
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), checked((ushort)length));
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at + 2), each.Type);
            each.Value.CopyTo(bytes, at + HeaderSize);
            at += Aligned(length);
        }

        return bytes;
    }

    public static RouteAttribute Of(ushort type, uint value)
    {
        byte[] bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return new RouteAttribute(type, bytes);
    }

    public static RouteAttribute Of(ushort type, string text) => new(type, [.. Encoding.UTF8.GetBytes(text), 0]);

    public static RouteAttribute Of(ushort type, params IReadOnlyCollection<RouteAttribute> nested) =>
        new((ushort)(type | Rtnetlink.NLA_F_NESTED), Encode(nested));

    /// <summary>A u32; zero if it is shorter, as a kernel's newer or older u8 may be.</summary>
    public uint Number32() => Value.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(Value) : 0;

    public string Text() => Encoding.UTF8.GetString(Value).TrimEnd('\0');

    private static int Aligned(int length) => (length + 3) & ~3;
}
