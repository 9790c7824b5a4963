using System.Globalization;

namespace Nvwa.Criu;

/// <summary>
/// The version of a CRIU. Ordered by its three numbers; the git id and the release name say nothing about order.
/// </summary>
public sealed record CriuVersion(int Major, int Minor, int Sublevel = 0) : IComparable<CriuVersion>
{
    /// <summary>Gets the commit it was built from, when it was built from a work tree.</summary>
    public string? GitId { get; init; }

    /// <summary>Gets the name of the release, when it tells one.</summary>
    public string? ReleaseName { get; init; }

    public static bool operator <(CriuVersion? left, CriuVersion? right) => Compare(left, right) < 0;

    public static bool operator <=(CriuVersion? left, CriuVersion? right) => Compare(left, right) <= 0;

    public static bool operator >(CriuVersion? left, CriuVersion? right) => Compare(left, right) > 0;

    public static bool operator >=(CriuVersion? left, CriuVersion? right) => Compare(left, right) >= 0;

    public int CompareTo(CriuVersion? other) =>
        other is null ? 1 : (Major, Minor, Sublevel).CompareTo((other.Major, other.Minor, other.Sublevel));

    /// <summary>Two versions are equal when their numbers are.</summary>
    public bool Equals(CriuVersion? other) => other is not null && CompareTo(other) == 0;

    public override int GetHashCode() => HashCode.Combine(Major, Minor, Sublevel);

    /// <summary>As CRIU prints it: <c>4.2</c>, <c>4.1.1</c>.</summary>
    public override string ToString() => Sublevel == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}")
        : string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Sublevel}");

    private static int Compare(CriuVersion? left, CriuVersion? right) =>
        left is null ? (right is null ? 0 : -1) : left.CompareTo(right);
}
