namespace Nvwa.Qemu;

/// <summary>What of migration a QEMU has; asked of its schema, never guessed from its version.</summary>
/// <param name="Modes">At least <see cref="MigrationMode.Normal"/>.</param>
/// <param name="Capabilities">QEMU's names: "x-ignore-shared", "mapped-ram", ...</param>
/// <param name="HasFiles">Whether it migrates to and from files (8.2), by sets of descriptors too.</param>
/// <param name="HasDirectIo">Past the page cache (9.1).</param>
/// <param name="OutlivesFailure">Whether an incoming migration that fails can leave QEMU to answer why (9.1, exit-on-error).</param>
public sealed record QemuFeatures(
    IReadOnlySet<MigrationMode> Modes, IReadOnlySet<string> Capabilities, bool HasFiles, bool HasDirectIo, bool OutlivesFailure)
{
    public static async Task<QemuFeatures> ReadAsync(QmpClient qmp, CancellationToken cancellationToken = default) =>
        Of(await QmpSchema.ReadAsync(qmp, cancellationToken));

    public static QemuFeatures Of(QmpSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return new QemuFeatures(
            MigrationModes.Known(schema.Values("migrate-set-parameters", "mode")),
            schema.Values("migrate-set-capabilities", "capabilities", "capability"),
            schema.Values("migrate", "channels", "addr", "transport").Contains("file"),
            schema.Has("migrate-set-parameters", "direct-io"),
            schema.Has("migrate-incoming", "exit-on-error"));
    }

    /// <summary>Whether all memory can go to its own place in a file, by several threads at once.</summary>
    public bool HasMappedRam => HasFiles && Capabilities.Contains("mapped-ram") && Capabilities.Contains("multifd");
}
