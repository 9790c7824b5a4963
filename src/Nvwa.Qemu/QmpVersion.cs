namespace Nvwa.Qemu;

/// <summary>QEMU's version, for people to read; what a QEMU can do is asked of its schema.</summary>
public sealed record QmpVersion(int Major, int Minor, int Micro, string Package)
{
    public override string ToString() => Package.Trim(' ', '(', ')') is { Length: > 0 } package ? $"{Number} ({package})" : Number;

    /// <summary>Without the distributor's part.</summary>
    public string Number => $"{Major}.{Minor}.{Micro}";
}
