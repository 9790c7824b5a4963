using System.Diagnostics.CodeAnalysis;

namespace Nvwa.Core.Configuration;

/// <summary>Names of systemd units (systemd.unit(5)): at most 255 characters of a fixed set, so never a path.</summary>
public static class UnitName
{
    private const int MaxLength = 255;

    /// <summary>Takes a service written with or without <c>.service</c>.</summary>
    public static bool TryService(string name, [NotNullWhen(true)] out string? unit)
    {
        unit = name.EndsWith(".service", StringComparison.Ordinal) ? name : name + ".service";
        bool valid = unit.Length is > 8 and <= MaxLength && unit[0] is not ('.' or '@') && unit.All(IsUnitCharacter)
            // A template has no processes; its instances have.
            && !unit.EndsWith("@.service", StringComparison.Ordinal);
        unit = valid ? unit : null;
        return valid;
    }

    private static bool IsUnitCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_' or '.' or '\\' or '@';
}
