using System.Globalization;
using System.Text;

namespace Nvwa.Linux;

/// <summary>Object paths of units: <c>a-b.service</c> is <c>/org/freedesktop/systemd1/unit/a_2db_2eservice</c>.</summary>
internal static class SystemdPath
{
    private const string Prefix = "/org/freedesktop/systemd1/unit/";

    /// <summary>
    /// As in sd_bus_path_encode(3). The manager loads the unit when its object is asked for, and takes aliases as well.
    /// </summary>
    public static string OfUnit(string unit)
    {
        StringBuilder path = new(Prefix);
        foreach (byte character in Encoding.UTF8.GetBytes(unit))
        {
            bool plain = char.IsAsciiLetter((char)character)
                || (char.IsAsciiDigit((char)character) && path.Length > Prefix.Length);
            if (plain)
            {
                path.Append((char)character);
            }
            else
            {
                path.Append(CultureInfo.InvariantCulture, $"_{character:x2}");
            }
        }

        return unit.Length == 0 ? path.Append('_').ToString() : path.ToString();
    }
}
