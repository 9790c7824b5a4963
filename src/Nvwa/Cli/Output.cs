using System.Globalization;
using Nvwa.Api;
using Nvwa.Core.Checks;
using Nvwa.Core.Journal;
using Spectre.Console;

namespace Nvwa.Cli;

/// <summary>What a person reads.</summary>
internal static class Output
{
    /// <summary>The gravest first, and how many of each at the end, where a long table stops on the screen.</summary>
    public static void Checks(TextWriter writer, IReadOnlyList<CheckResult> results)
    {
        Grid table = Columns(4);
        foreach (CheckResult result in results.OrderByDescending(result => result.Verdict))
        {
            string reason = result.Remedy is null ? result.Reason : $"{result.Reason}; {result.Remedy}";
            Row(table, Name(result.Verdict), result.Check, result.Subject, reason);
        }

        Print(writer, table);
        writer.WriteLine();
        writer.WriteLine(string.Join(", ", results.CountBy(result => result.Verdict).OrderByDescending(count => count.Key).Select(count => $"{count.Value} {Name(count.Key)}")));
    }

    public static void Status(TextWriter writer, StatusReply status)
    {
        writer.WriteLine($"nvwa {status.Version} on Linux {status.Kernel}");
        if (status.Update is not { } update)
        {
            writer.WriteLine("No update was made yet.");
            return;
        }

        string ended = update.Outcome == Outcome.None ? $"running, {update.Phase}" : Name(update.Outcome);
        writer.WriteLine($"Update {update.Id}: {update.OldKernel} -> {update.NewKernel}, {ended}");
        Tell(writer, "Reason", update.Reason is null ? [] : [update.Reason]);
        Tell(writer, "Restarted", update.Restarted);
        Tell(writer, "Network", update.Network is { } network ? [Name(network)] : []);
        Tell(writer, "Trouble", update.Troubles);
        if (update.Workloads.Count > 0)
        {
            Workloads(writer, update);
        }
    }

    public static void Machines(TextWriter writer, IReadOnlyList<MachineReport> machines)
    {
        if (machines.Count == 0)
        {
            writer.WriteLine("No virtual machine is configured, and no QEMU with a QMP socket runs.");
            return;
        }

        Grid table = Columns(8);
        Row(table, "NAME", "CONFIGURED", "STATUS", "PID", "QEMU", "MEMORY", "UNIT", "QMP");
        foreach (MachineReport machine in machines)
        {
            Row(
                table,
                machine.Name,
                machine.IsConfigured ? "yes" : "no",
                machine.Status ?? "-",
                machine.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",
                machine.Version ?? "-",
                machine.MemoryMebibytes is { } size ? $"{size} MiB" : "-",
                machine.Unit ?? "-",
                machine.Qmp);
        }

        Print(writer, table);
        foreach (MachineReport machine in machines.Where(machine => machine.Problem is not null))
        {
            writer.WriteLine($"{machine.Name}: {machine.Problem}");
        }
    }

    public static void Upgrade(TextWriter writer, UpgradeMachineReply upgrade)
    {
        string parts = upgrade.Blackout is { } blackout ? $", {blackout.Milliseconds} ms ({string.Join(", ", blackout.Parts.Select(part => $"{part.Name} {part.Milliseconds}"))})" : "";
        writer.WriteLine($"{upgrade.Name}: QEMU {upgrade.OldVersion} -> {upgrade.NewVersion} by {upgrade.Mode}{parts}");
        Tell(writer, "Setback", upgrade.Setbacks);
    }

    private static void Workloads(TextWriter writer, UpdateReport update)
    {
        string[] parts = [.. update.Workloads.FirstOrDefault(workload => workload.Blackout is not null)?.Blackout?.Parts.Select(part => part.Name) ?? []];
        writer.WriteLine();
        Grid table = Columns(4 + parts.Length);
        Row(table, ["WORKLOAD", "STATE", "PID", "BLACKOUT", .. parts.Select(part => part.ToUpperInvariant())]);
        foreach (WorkloadReport workload in update.Workloads)
        {
            string pid = workload.PidAfter is { } after ? $"{workload.PidBefore} -> {after}" : $"{workload.PidBefore}";
            Row(
                table,
                [
                    workload.Name,
                    Name(workload.Step),
                    pid,
                    Blackout(workload.Blackout),
                    .. parts.Select((_, i) => Seconds(workload.Blackout?.Parts[i].Milliseconds)),
                ]);
        }

        Print(writer, table);
        foreach (WorkloadReport workload in update.Workloads.Where(workload => workload.Reason is not null))
        {
            writer.WriteLine($"{workload.Name}: {workload.Reason}{(workload.Log is null ? "" : $"; log: {workload.Log}")}");
        }
    }

    private static string Blackout(Blackout? blackout) =>
        blackout is null ? "-" : (blackout.IsExact ? "" : "~") + Seconds(blackout.Milliseconds) + " s";

    private static string Seconds(long? milliseconds) =>
        milliseconds is null ? "-" : (milliseconds.Value / 1000.0).ToString("0.00", CultureInfo.InvariantCulture);

    private static void Tell(TextWriter writer, string what, IReadOnlyList<string> lines)
    {
        foreach (string line in lines)
        {
            writer.WriteLine($"  {what}: {line}");
        }
    }

    /// <summary>Names as people write them: <c>rolled back</c> for <c>RolledBack</c>.</summary>
    private static string Name<T>(T value)
        where T : struct, Enum =>
        string.Concat(value.ToString().Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : " ") + char.ToLowerInvariant(c) : c.ToString()));

    private static Grid Columns(int count)
    {
        var grid = new Grid();
        for (int i = 0; i < count; i++)
        {
            grid.AddColumn(new GridColumn().NoWrap().PadLeft(0).PadRight(2));
        }

        return grid;
    }

    private static void Row(Grid grid, params string[] cells) => grid.AddRow([.. cells.Select(cell => new Text(cell))]);

    private static void Print(TextWriter writer, Grid grid)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(writer),
        });
        // Never cut a reason or a path short: a terminal wraps by itself.
        console.Profile.Width = 4096;
        var rendered = new StringWriter();
        console.Profile.Out = new AnsiConsoleOutput(rendered);
        console.Write(grid);
        foreach (string line in rendered.ToString().TrimEnd('\n').Split('\n'))
        {
            writer.WriteLine(line.TrimEnd());
        }
    }
}
