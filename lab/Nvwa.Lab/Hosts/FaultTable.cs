namespace Nvwa.Lab.Hosts;

/// <summary>
/// What became of each fault: <c>artifacts/lab/faults.txt</c>, written anew after each, so that a run that breaks off has told
/// what it knew.
/// </summary>
public sealed class FaultTable
{
    private readonly List<string[]> _rows = [["FAULT", "PHASE", "END STATE", ""]];

    /// <param name="fault">Its name.</param>
    /// <param name="phase">Where it happened.</param>
    /// <param name="end">What nvwa says became of it.</param>
    /// <param name="isTrue">Whether that is what had to become of it, and the host was seen to be in that state.</param>
    public async Task AddAsync(string fault, string phase, string end, bool isTrue)
    {
        _rows.Add([fault, phase, end, isTrue ? "" : "FAILED"]);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(LabPaths.FaultTable)!);
        await File.WriteAllLinesAsync(LabPaths.FaultTable, _rows.Select(Line));
    }

    private string Line(string[] row) =>
        string.Join("  ", row.Select((cell, column) => cell.PadRight(_rows.Max(other => other[column].Length)))).TrimEnd();
}
