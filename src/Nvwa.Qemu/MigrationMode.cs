namespace Nvwa.Qemu;

/// <summary>QEMU's migration modes (qapi/migration.json, MigMode).</summary>
public enum MigrationMode
{
    None = 0,

    /// <summary>To another process, perhaps on another host; the only one before QEMU 8.2.</summary>
    Normal = 1,

    /// <summary>To a file, and from it on the same host, also after a reboot (8.2).</summary>
    CprReboot = 2,

    /// <summary>To a QEMU that runs beside this one, which is given the memory (10.0).</summary>
    CprTransfer = 3,

    /// <summary>QEMU replaces itself by execve(2), and keeps its PID (10.2).</summary>
    CprExec = 4,
}

/// <summary>QEMU's names of the modes.</summary>
public static class MigrationModes
{
    private static readonly Dictionary<MigrationMode, string> Names = new()
    {
        [MigrationMode.Normal] = "normal",
        [MigrationMode.CprReboot] = "cpr-reboot",
        [MigrationMode.CprTransfer] = "cpr-transfer",
        [MigrationMode.CprExec] = "cpr-exec",
    };

    public static string Name(this MigrationMode mode) => Names[mode];

    /// <summary>Those among QEMU's names that this library knows.</summary>
    public static IReadOnlySet<MigrationMode> Known(IReadOnlySet<string> names) =>
        Names.Where(pair => names.Contains(pair.Value)).Select(pair => pair.Key).Append(MigrationMode.Normal).ToHashSet();
}
