namespace Nvwa.Core.Tests;

/// <summary>Chance whose sequence is the same everywhere and forever.</summary>
internal sealed class Xorshift(uint seed)
{
    private uint _state = seed;

    public int Below(int limit)
    {
        _state ^= _state << 13;
        _state ^= _state >> 17;
        _state ^= _state << 5;
        return (int)(_state % (uint)limit);
    }
}
