using System.Globalization;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// The text of mountinfo: <c>36 35 98:0 /root /point options optional... - type source super-options</c>, where blanks
/// and backslashes within a field are octal (<c>\040</c>), and the optional fields end at a single hyphen.
/// </summary>
internal static class MountInfo
{
    private const int FixedFields = 6;
    private const int FieldsAfterHyphen = 3;

    public static Mount Parse(string line)
    {
        string[] fields = line.Split(' ');
        int hyphen = Array.IndexOf(fields, "-", Math.Min(FixedFields, fields.Length));
        if (hyphen < 0 || fields.Length < hyphen + 1 + FieldsAfterHyphen)
        {
            throw new InvalidDataException($"Not a line of mountinfo: {line}");
        }

        return new Mount(
            int.Parse(fields[0], CultureInfo.InvariantCulture),
            int.Parse(fields[1], CultureInfo.InvariantCulture),
            fields[2],
            Unescape(fields[3]),
            Unescape(fields[4]),
            fields[hyphen + 1],
            Unescape(fields[hyphen + 2]),
            fields[5].Split(','),
            fields[hyphen + 3].Split(','));
    }

    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        StringBuilder text = new(field.Length);
        for (int index = 0; index < field.Length; index++)
        {
            if (field[index] == '\\' && index + 3 < field.Length)
            {
                text.Append((char)Convert.ToInt32(field.Substring(index + 1, 3), 8));
                index += 3;
            }
            else
            {
                text.Append(field[index]);
            }
        }

        return text.ToString();
    }
}
