namespace Nvwa.Lab.Hosts;

/// <summary>How <c>nvwa update</c> looked to the operator who typed it.</summary>
/// <param name="Output">All that it printed, as far as it reached the disk before the kernel was gone.</param>
/// <param name="ExitCode">Null where the kernel changed under it.</param>
/// <param name="Boot">The boot that answers now.</param>
public sealed record UpdateEnd(string Output, int? ExitCode, GuestBoot Boot)
{
    private const string IdPrefix = "update ";

    /// <summary>The update's name, from what was printed.</summary>
    /// <exception cref="LabException">It printed none.</exception>
    public string RequireId() => FindId(Output) ?? throw new LabException($"nvwa update names no update: {Output.Trim()}");

    /// <summary>The word after "update", in a line as <c>Check    update 20261121T093000Z: 6.12 -> 7.2</c>.</summary>
    internal static string? FindId(string output)
    {
        int start = output.IndexOf(IdPrefix, StringComparison.Ordinal);
        int end = start < 0 ? -1 : output.IndexOf(':', start);
        return end < 0 ? null : output[(start + IdPrefix.Length)..end];
    }
}
