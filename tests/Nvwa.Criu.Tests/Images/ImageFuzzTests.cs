using Nvwa.Criu.Images;

namespace Nvwa.Criu.Tests.Images;

/// <summary>Damaged images: read, or refused with the one exception; nothing else.</summary>
public sealed class ImageFuzzTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Damaged_inventories_are_read_or_refused() =>
        Fuzz(1, Golden.Inventory, content => InventoryImage.Parse(content, "fuzz"));

    [Fact]
    public void Damaged_process_trees_are_read_or_refused() =>
        Fuzz(2, Golden.Pstree, content => PstreeImage.Parse(content, "fuzz").TakenNumbers());

    [Fact]
    public void Damaged_statistics_are_read_or_refused()
    {
        Fuzz(3, Golden.StatsDump, content => StatsImage.Parse(content, "fuzz"));
        Fuzz(4, Golden.StatsRestore, content => StatsImage.Parse(content, "fuzz"));
    }

    private static void Fuzz(uint seed, byte[] original, Action<byte[]> read)
    {
        Xorshift chance = new(seed);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = Damage(original, chance);
            try
            {
                read(damaged);
            }
            catch (ImageFormatException)
            {
                // The expected refusal.
            }
#pragma warning disable CA1031 // The input that did it must be told.
            catch (Exception error)
#pragma warning restore CA1031
            {
                Assert.Fail($"seed {seed}, round {round}, {Convert.ToHexString(damaged)}: {error}");
            }
        }
    }

    private static byte[] Damage(byte[] original, Xorshift chance)
    {
        List<byte> bytes = [.. original];
        for (uint count = 1 + chance.Below(4); count > 0; count--)
        {
            int place = (int)chance.Below((uint)bytes.Count + 1);
            switch (chance.Below(4))
            {
                case 0 when place < bytes.Count:
                    bytes[place] ^= (byte)(1 << (int)chance.Below(8));
                    break;
                case 1 when place < bytes.Count:
                    bytes[place] = (byte)chance.Below(256);
                    break;
                case 2:
                    bytes.Insert(place, (byte)chance.Below(256));
                    break;
                default:
                    bytes.RemoveRange(place, (int)Math.Min(chance.Below(8), (uint)(bytes.Count - place)));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>A generator whose sequence is the same everywhere and forever.</summary>
    private sealed class Xorshift(uint seed)
    {
        private uint _state = seed;

        public uint Below(uint limit)
        {
            _state ^= _state << 13;
            _state ^= _state >> 17;
            _state ^= _state << 5;
            return _state % limit;
        }
    }
}
