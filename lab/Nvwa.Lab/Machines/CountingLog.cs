using System.Globalization;

namespace Nvwa.Lab.Machines;

/// <summary>
/// What a counting guest has said, which is all that is known of it. As long as nothing is lost, line N is count N:
/// <code>
/// start
/// count 00000001
/// count 00000002
/// </code>
/// </summary>
internal static class CountingLog
{
    private const string Start = "start";
    private const string BadPage = "BAD ";

    /// <summary>The last count; null before it has started. A line without its end is not there yet.</summary>
    /// <exception cref="LabException">It started again, left a count out, or found a page that was not as it had left it.</exception>
    public static int? Read(string text)
    {
        string[] lines = text.Split('\n')[..^1];
        for (int number = 0; number < lines.Length; number++)
        {
            if (lines[number] != Line(number))
            {
                throw new LabException(Judge(lines[number], number - 1));
            }
        }

        return lines.Length == 0 ? null : lines.Length - 1;
    }

    private static string Line(int number) =>
        number == 0 ? Start : string.Create(CultureInfo.InvariantCulture, $"count {number:X8}");

    private static string Judge(string line, int last) => line switch
    {
        // A reset may come in the middle of a line.
        _ when line.EndsWith(Start, StringComparison.Ordinal) => $"the guest started again after count {last}",
        _ when line.StartsWith(BadPage, StringComparison.Ordinal) =>
            $"the guest found {line[BadPage.Length..]} not as count {last} had left it",
        _ => $"the guest said \"{line}\" where count {last + 1} was to come",
    };
}
