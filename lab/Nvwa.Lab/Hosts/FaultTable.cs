namespace Nvwa.Lab.Hosts;

/// <summary>
/// What became of each fault: <c>artifacts/lab/faults.txt</c>, written anew after each, so that a run that breaks off has told
/// what it knew.
/// </summary>
public sealed class FaultTable
{
    private readonly List<string[]> _rows = [["FAULT", "PHASE", "END STATE", ""]];

    public async Task AddAsync(string fault, string phase, string end, string expected)
    {
        _rows.Add([fault, phase, end, end == expected ? "" : $"not {expected}"]);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(LabPaths.FaultTable)!);
        await File.WriteAllLinesAsync(LabPaths.FaultTable, _rows.Select(Line));
    }

    private string Line(string[] row) =>
        string.Join("  ", row.Select((cell, column) => cell.PadRight(_rows.Max(other => other[column].Length)))).TrimEnd();
}
