using System.Buffers.Binary;

namespace Nvwa.Linux;

/// <summary>
/// The body of one message of rtnetlink(7): a fixed part, whose size its kind decides, and attributes in any order. What is
/// read from one kernel is what another one is told, so nothing that we do not know is lost on the way.
/// </summary>
/// <param name="header">The fixed part: ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr, ndmsg or nhmsg.</param>
/// <param name="attributes">What follows it.</param>
internal sealed class RouteMessage(byte[] header, IEnumerable<RouteAttribute> attributes)
{
    public byte[] Header { get; } = header;

    public List<RouteAttribute> Attributes { get; } = [.. attributes];

    public byte Family => Header[0];

    /// <exception cref="InvalidDataException">It is shorter than its fixed part, or attributes do not fit.</exception>
    public static RouteMessage Parse(ReadOnlySpan<byte> body, int headerSize) => body.Length < headerSize
        ? throw new InvalidDataException($"A message of {body.Length} bytes where {headerSize} are its fixed part.")
        : new RouteMessage(body[..headerSize].ToArray(), RouteAttribute.Parse(body[headerSize..]));

    public byte[] Encode() => [.. Header, .. RouteAttribute.Encode(Attributes)];

    public RouteMessage Copy() => new([.. Header], Attributes);

    /// <returns>Null if there is no such attribute.</returns>
    public byte[]? Value(ushort type)
    {
        int at = Attributes.FindIndex(each => each.Number == type);
        return at < 0 ? null : Attributes[at].Value;
    }

    public bool Has(ushort type) => Attributes.Exists(each => each.Number == type);

    public uint? Number(ushort type) => Value(type) is { } value ? new RouteAttribute(type, value).Number32() : null;

    public string? Text(ushort type) => Value(type) is { } value ? new RouteAttribute(type, value).Text() : null;

    public void Remove(params ReadOnlySpan<ushort> types)
    {
        foreach (ushort type in types)
        {
            Attributes.RemoveAll(each => each.Number == type);
        }
    }

    public void KeepOnly(params ushort[] types) => Attributes.RemoveAll(each => !types.Contains(each.Number));

    public void Set(RouteAttribute attribute)
    {
        Remove(attribute.Number);
        Attributes.Add(attribute);
    }

    /// <summary>In the order of their types, so that what means the same reads the same.</summary>
    public void Sort() => Attributes.Sort((one, other) => one.Number.CompareTo(other.Number));

    public int HeaderInt32(int offset) => BinaryPrimitives.ReadInt32LittleEndian(Header.AsSpan(offset));

    public void SetHeader(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(Header.AsSpan(offset), value);

    public void SetHeader(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Header.AsSpan(offset), value);
}
