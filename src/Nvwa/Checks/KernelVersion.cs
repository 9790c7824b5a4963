using System.Globalization;

namespace Nvwa.Checks;

/// <summary>The numbers at the start of a release: 6.12 of <c>6.12.107+deb13-amd64</c>.</summary>
internal static class KernelVersion
{
    /// <summary>False for a release that does not begin with two numbers.</summary>
    public static bool IsAtLeast(string release, int major, int minor)
    {
        int[] numbers = [.. release.Split('.', '-', '+').TakeWhile(part => int.TryParse(part, CultureInfo.InvariantCulture, out _)).Select(part => int.Parse(part, CultureInfo.InvariantCulture))];
        return numbers.Length >= 2 && (numbers[0], numbers[1]).CompareTo((major, minor)) >= 0;
    }
}
