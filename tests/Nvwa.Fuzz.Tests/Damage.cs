using System.Buffers.Binary;

namespace Nvwa.Fuzz.Tests;

/// <summary>What chance, a bad disk or an evil peer makes of valid bytes.</summary>
internal static class Damage
{
    /// <summary>Above the longest message that any reader takes in one piece from a peer that it does not trust.</summary>
    private const int Longest = (1 << 20) + (1 << 16);

    private static readonly byte[] Edges = [0, 1, (byte)'\n', (byte)' ', (byte)'"', (byte)'-', (byte)'9', 0x7F, 0x80, 0xC3, 0xFF];

    private static readonly byte[] Borders = [.. ":,[]{}\n\0"u8];

    private static readonly uint[] Lengths = [0, 1, 0x7F, 0xFF, 0xFFFF, 1 << 20, (1 << 20) + 1, int.MaxValue, 1U << 31, uint.MaxValue];

    public static byte[] Of(byte[] valid, Target target, Chance chance)
    {
        List<byte> bytes = [.. valid];
        for (int count = 1 + chance.Below(4); count > 0; count--)
        {
            Once(bytes, target, chance);
        }

        return [.. bytes];
    }

    private static void Once(List<byte> bytes, Target target, Chance chance)
    {
        int place = chance.Below(bytes.Count + 1);
        int piece = Math.Min(chance.OneIn(4) ? chance.Below(1 + bytes.Count) : chance.Below(16), bytes.Count - place);
        switch (chance.Below(12))
        {
            case 0 when place < bytes.Count:
                bytes[place] ^= (byte)(1 << chance.Below(8));
                break;
            case 1 when place < bytes.Count:
                bytes[place] = chance.OneIn(2) ? chance.Pick(Edges) : (byte)chance.Next();
                break;
            case 2:
                bytes.RemoveRange(place, bytes.Count - place);
                break;
            case 3:
                bytes.RemoveRange(place, piece);
                break;
            case 4:
                Repeat(bytes, place, [.. bytes.GetRange(place, piece)], chance);
                break;
            case 5:
                bytes.InsertRange(place, chance.Bytes(1 + chance.Below(8)));
                break;
            case 6:
                Overwrite(bytes, place, Length(bytes.Count, chance));
                break;
            case 7:
                Repeat(bytes, place, target.Openers.Count == 0 ? [0] : chance.Pick(target.Openers), chance);
                break;
            case 8:
                byte[] other = target.Valid(chance);
                int from = chance.Below(other.Length + 1);
                bytes.InsertRange(place, other.AsSpan(from, Math.Min(other.Length - from, 64)).ToArray());
                break;
            case 9 when target.Words.Count > 0:
                bytes.InsertRange(place, chance.Pick(target.Words));
                break;
            case > 9 when target.Words.Count > 0:
                Exchange(bytes, place, chance.Pick(target.Words));
                break;
            default:
                break;
        }
    }

    /// <summary>A whole value of JSON or YAML for another, so that what stands around it is still read.</summary>
    private static void Exchange(List<byte> bytes, int place, byte[] word)
    {
        int start = bytes.FindIndex(place, IsBorder) + 1;
        int end = start == 0 ? -1 : bytes.FindIndex(start, IsBorder);
        if (end > 0)
        {
            bytes.RemoveRange(start, end - start);
            bytes.InsertRange(start, word);
        }
    }

    private static bool IsBorder(byte value) => Borders.Contains(value);

    /// <summary>Deep nesting, huge counts: mostly hundreds, sometimes as many as fit.</summary>
    private static void Repeat(List<byte> bytes, int place, byte[] piece, Chance chance)
    {
        int most = piece.Length == 0 ? 0 : (Longest - bytes.Count) / piece.Length;
        int times = Math.Clamp(chance.OneIn(16) ? most : chance.Below(chance.OneIn(8) ? 20_000 : 200), 0, Math.Max(0, most));
        byte[] repeated = new byte[times * piece.Length];
        for (int i = 0; i < repeated.Length; i += piece.Length)
        {
            piece.CopyTo(repeated, i);
        }

        bytes.InsertRange(place, repeated);
    }

    private static byte[] Length(int actual, Chance chance)
    {
        byte[] word = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(word, chance.OneIn(3) ? (uint)(actual + chance.Below(9) - 4) : chance.Pick(Lengths));
        return word;
    }

    private static void Overwrite(List<byte> bytes, int place, byte[] word)
    {
        bytes.RemoveRange(place, Math.Min(word.Length, bytes.Count - place));
        bytes.InsertRange(place, word);
    }
}
