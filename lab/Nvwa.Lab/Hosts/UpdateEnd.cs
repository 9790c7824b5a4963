using System.Text.RegularExpressions;

namespace Nvwa.Lab.Hosts;

/// <summary>How <c>nvwa update</c> looked to the operator who typed it.</summary>
/// <param name="Output">All that it printed, as far as it reached the disk before the kernel was gone.</param>
/// <param name="ExitCode">Null where the kernel changed under it.</param>
/// <param name="Boot">The boot that answers now.</param>
public sealed partial record UpdateEnd(string Output, int? ExitCode, GuestBoot Boot)
{
    /// <summary>The update's name, from a line as <c>Check    update 20261121T093000Z: 6.12 -> 7.2</c>.</summary>
    /// <exception cref="LabException">No such line was printed.</exception>
    public string RequireId() => IdPattern.Match(Output) is { Success: true } match
        ? match.Groups[1].Value
        : throw new LabException($"nvwa update names no update: {Output.Trim()}");

    [GeneratedRegex(@"\bupdate (\d{8}T\d{6}Z):")]
    private static partial Regex IdPattern { get; }
}
