using System.Text;
using System.Text.Json;

namespace Nvwa.Lab.Hosts;

/// <summary>
/// What became of each workload of each scenario at each change of kernels, as nvwa itself says: a line each in
/// <c>artifacts/lab/compatibility.tsv</c>. A run in which all of them passed makes docs/compatibility.md of it.
/// </summary>
public static class CompatibilityTable
{
    // Of a unit its description, and the package that its main process comes from.
    private const string AboutUnit =
        """
        systemctl show --value -p Description "$unit"
        exe=$(readlink /proc/$(systemctl show --value -p MainPID "$unit")/exe) && package=$(dpkg-query -S "$exe" 2>/dev/null) && dpkg-query -W -f '${Package} ${Version}' "${package%%:*}" || true
        """;

    private const string Kept = "kept";

    private sealed record Row(string Unit, string Description, string Package, string Kernels, string Result);

    /// <summary>After an update that left everything as the scenario expects it.</summary>
    public static async Task AddAsync(NvwaHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        NvwaUpdate update = (await host.StatusAsync()).Update ?? throw new LabException("nvwa status tells of no update");
        string kernels = await KernelsAsync(host, update.OldKernel, update.NewKernel);
        foreach (NvwaWorkload workload in update.Workloads)
        {
            string result = workload.Step == "restored" ? Kept : $"{workload.Step}: {workload.Reason}";
            await AppendAsync(await RowAsync(host, workload.Unit, kernels, result));
        }
    }

    /// <summary>What the check of an update refuses to keep.</summary>
    /// <param name="host">Configured for it.</param>
    /// <param name="version">The kernel it would be updated to.</param>
    public static async Task AddRefusedAsync(NvwaHost host, string version)
    {
        ArgumentNullException.ThrowIfNull(host);
        string kernels = await KernelsAsync(host, (await host.StatusAsync()).Kernel, version);
        using var check = JsonDocument.Parse((await host.NvwaAsync($"check {version} --json")).Output);
        foreach (JsonElement result in check.RootElement.GetProperty("results").EnumerateArray().Where(result => result.GetProperty("verdict").GetString() == "refuse"))
        {
            string unit = result.GetProperty("subject").GetString()!.Split(' ', ',', ':')[0];
            if (unit.EndsWith(".service", StringComparison.Ordinal))
            {
                await AppendAsync(await RowAsync(host, unit, kernels, $"refused: {result.GetProperty("reason").GetString()}; {result.GetProperty("remedy").GetString()}"));
            }
        }
    }

    /// <returns>docs/compatibility.md.</returns>
    public static string Render()
    {
        Row[] rows = [.. File.ReadLines(LabPaths.CompatibilityTable).Select(line => line.Split('\t')).Select(cells => new Row(cells[0], cells[1], cells[2], cells[3], cells[4]))];
        string[] kernels = [.. rows.Select(row => row.Kernels).Distinct().Order(StringComparer.Ordinal)];
        var page = new StringBuilder(
            $"""
            # What is kept

            Written by `./dev test --compatibility` (or `--full`) from what happened in its guests; nothing here is written by hand. Each row was seen with its data,
            connections and processes checked from outside ([the scenarios](../lab/Nvwa.Lab.Scenarios)). Where something is refused, and the
            same unit is kept elsewhere in its row, the named setting made the difference.

            | unit | | program | {string.Join(" | ", kernels)} |
            |---|---|---|{string.Concat(kernels.Select(_ => "---|"))}

            """);
        foreach (IGrouping<string, Row> unit in rows.GroupBy(row => row.Unit).OrderBy(unit => unit.Key, StringComparer.Ordinal))
        {
            IEnumerable<string> results = kernels.Select(pair => Cell(unit.Where(row => row.Kernels == pair).Select(row => row.Result)));
            _ = page.Append(null, $"| {unit.Key} | {Cell(unit.Select(row => row.Description))} | {Cell(unit.Select(row => row.Package))} | {string.Join(" | ", results)} |\n");
        }

        return page.ToString();
    }

    private static string Cell(IEnumerable<string> texts) =>
        string.Join("; ", texts.Where(text => text.Length > 0).Distinct().Order(StringComparer.Ordinal)).Replace("|", "\\|", StringComparison.Ordinal);

    private static async Task<string> KernelsAsync(NvwaHost host, string from, string to)
    {
        string criu = await host.Guest.OutputOfAsync("dpkg-query -W -f '${Version}' criu");
        return $"{from} → {to} (CRIU {criu.Trim()})";
    }

    private static async Task<Row> RowAsync(NvwaHost host, string unit, string kernels, string result)
    {
        string[] about = (await host.Guest.OutputOfAsync($"unit='{unit}'\n{AboutUnit}")).Split('\n');
        return new Row(unit, about[0], about.ElementAtOrDefault(1) ?? "", kernels, result);
    }

    private static Task AppendAsync(Row row)
    {
        string[] cells = [row.Unit, row.Description, row.Package, row.Kernels, row.Result];
        _ = Directory.CreateDirectory(Path.GetDirectoryName(LabPaths.CompatibilityTable)!);
        return File.AppendAllLinesAsync(LabPaths.CompatibilityTable, [string.Join('\t', cells.Select(cell => cell.ReplaceLineEndings(" ").Replace('\t', ' ')))]);
    }
}
