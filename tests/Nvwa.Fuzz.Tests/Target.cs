using System.Text;

namespace Nvwa.Fuzz.Tests;

/// <summary>
/// A reader, and what must hold for it whatever it is given: it reads, or refuses with the exception that it documents; it
/// comes to an end; it takes no more memory than the input is long, times a factor.
/// </summary>
internal abstract class Target(string name)
{
    public string Name { get; } = name;

    /// <summary>Damaged inputs in the bounded run: a second or two for each reader.</summary>
    public abstract int Rounds { get; }

    /// <summary>False where the reader is to get valid input only, and does the damage itself.</summary>
    public virtual bool IsDamaged => true;

    /// <summary>Pieces that mean something to the reader.</summary>
    public virtual IReadOnlyList<byte[]> Words => [];

    /// <summary>Pieces that, repeated, nest deeper and deeper.</summary>
    public virtual IReadOnlyList<byte[]> Openers => [];

    /// <summary>Bytes that a reader may take whatever the input, for exceptions and the like.</summary>
    public virtual long AllocatedAtMost => 256 << 10;

    /// <summary>Bytes that it may take besides for each byte of input.</summary>
    public virtual int AllocatedPerByte => 128;

    /// <summary>What a writer of the real thing could have written. Checks on the way that it is read back as it was.</summary>
    public abstract byte[] Valid(Chance chance);

    /// <summary>Returns when the input was read or refused as documented; throws anything else.</summary>
    public abstract Task ReadAsync(byte[] input);

    /// <summary>Bytes allocated so far, by the one thread that reads; targets with several say it otherwise.</summary>
    public virtual long Allocated() => GC.GetAllocatedBytesForCurrentThread();

    protected static byte[][] Bytes(params string[] words) => [.. words.Select(Encoding.UTF8.GetBytes)];
}
