namespace Nvwa.Fuzz.Tests;

/// <summary>Chance whose sequence (SplitMix64) is the same everywhere and forever.</summary>
internal sealed class Chance(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Of one round, whatever the other rounds and targets did.</summary>
    public static Chance Of(uint seed, string target, int round)
    {
        ulong mixed = seed;
        foreach (char letter in target)
        {
            mixed = (mixed * 31) + letter;
        }

        return new Chance(new Chance((mixed << 32) ^ (uint)round).Next());
    }

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>From 0 to one below the limit.</summary>
    public int Below(int limit) => (int)(Next() % (uint)limit);

    public bool OneIn(int times) => Below(times) == 0;

    public T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    /// <summary>Small ones and those at the edges are more probable than the others.</summary>
    public long Number(long minimum, long maximum) => Below(4) switch
    {
        0 => minimum,
        1 => maximum,
        2 => minimum + (long)(Next() % Math.Min(16, (ulong)(maximum - minimum))),
        _ => minimum + (long)(Next() % (ulong)(maximum - minimum)),
    };

    public byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)Next())];
}
