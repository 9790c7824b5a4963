using System.Text.Json;
using System.Text.Json.Nodes;

namespace Nvwa.Qemu;

/// <summary>A running machine, as far as its move to another QEMU must know it.</summary>
/// <param name="Version">Of its QEMU.</param>
/// <param name="Status">Its run state: "running", "paused", "suspended", ...</param>
/// <param name="Type">Of the machine, as -machine names it: "pc-q35-10.0"; an alias such as "q35" is told as what it stands for.</param>
/// <param name="SharesAuxiliaryRam">Whether memory that no backend stands for (video memory, ROMs) can be handed over (aux-ram-share=on).</param>
/// <param name="Ram">All backends.</param>
/// <param name="Devices">QEMU's types of what -device or device_add made, such as "virtio-net-pci".</param>
/// <param name="DeviceIds">Names of those of them that have one.</param>
/// <param name="Images">Files of block devices that are not read-only or removed.</param>
public sealed record MachineFacts(
    QmpVersion Version,
    string Status,
    string Type,
    bool SharesAuxiliaryRam,
    IReadOnlyList<RamBackend> Ram,
    IReadOnlyList<string> Devices,
    IReadOnlyList<string> DeviceIds,
    IReadOnlyList<string> Images)
{
    /// <summary>The run state of a guest that sleeps (ACPI S3).</summary>
    public const string Suspended = "suspended";

    private const string MachineSuffix = "-machine";
    private const string BackendPrefix = "memory-backend-";

    /// <summary>Whether its virtual CPUs go on when it is continued.</summary>
    public bool IsLive => Status is "running" or Suspended;

    /// <summary>Devices of the host that the machine drives itself.</summary>
    public IReadOnlyList<string> Passthrough => [.. Devices.Where(device => device.StartsWith("vfio-", StringComparison.Ordinal))];

    /// <exception cref="QmpException">QEMU refused a question.</exception>
    /// <exception cref="QmpTransportException">The conversation ended, or a reply was not understood.</exception>
    public static async Task<MachineFacts> ReadAsync(QmpClient qmp, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        try
        {
            IReadOnlyList<(string Name, string Type)> named = await ListAsync(qmp, "/machine/peripheral", cancellationToken);
            IReadOnlyList<(string Name, string Type)> nameless = await ListAsync(qmp, "/machine/peripheral-anon", cancellationToken);
            string type = await TextAsync(qmp, "/machine", "type", cancellationToken) ?? "";
            return new MachineFacts(
                qmp.Version,
                (await qmp.QueryStatusAsync(cancellationToken)).Status,
                type.EndsWith(MachineSuffix, StringComparison.Ordinal) ? type[..^MachineSuffix.Length] : type,
                await FlagAsync(qmp, "/machine", "aux-ram-share", cancellationToken),
                await RamAsync(qmp, cancellationToken),
                [.. named.Concat(nameless).Select(device => device.Type)],
                [.. named.Select(device => device.Name)],
                ImagesOf(await qmp.ExecuteAsync("query-block", cancellationToken: cancellationToken)));
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException or ArgumentOutOfRangeException)
        {
            throw new QmpTransportException(qmp.SocketPath, "a reply is not what QEMU documents", e);
        }
    }

    /// <summary>What keeps a machine from being saved in a mode, in QEMU's words. QEMU tells of the mode that is set: it is, for the question.</summary>
    public static async Task<IReadOnlyList<string>> ObstaclesAsync(
        QmpClient qmp, QemuFeatures features, MigrationMode mode, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(features);
        try
        {
            await SetModeAsync(mode, cancellationToken);
            JsonElement reply = await qmp.ExecuteAsync("query-migrate", cancellationToken: cancellationToken);
            return reply.TryGetProperty("blocked-reasons", out JsonElement reasons) && reasons.ValueKind == JsonValueKind.Array
                ? [.. reasons.EnumerateArray().Select(reason => reason.ToString())]
                : [];
        }
        finally
        {
            // Whoever asked may be gone, but the machine is not to be left in this mode.
            await SetModeAsync(MigrationMode.Normal, CancellationToken.None);
        }

        Task SetModeAsync(MigrationMode set, CancellationToken cancellation) => features.Modes.Count > 1
            ? qmp.ExecuteAsync("migrate-set-parameters", new JsonObject { ["mode"] = set.Name() }, cancellationToken: cancellation)
            : Task.CompletedTask;
    }

    private static async Task<IReadOnlyList<RamBackend>> RamAsync(QmpClient qmp, CancellationToken cancellationToken)
    {
        var backends = new List<RamBackend>();
        foreach ((string id, string type) in await ListAsync(qmp, "/objects", cancellationToken))
        {
            if (type.StartsWith(BackendPrefix, StringComparison.Ordinal))
            {
                string path = $"/objects/{id}";
                backends.Add(new RamBackend(
                    id,
                    type,
                    (await GetAsync(qmp, path, "size", cancellationToken))?.GetInt64() ?? 0,
                    await FlagAsync(qmp, path, "share", cancellationToken),
                    type == BackendPrefix + "file" ? await TextAsync(qmp, path, "mem-path", cancellationToken) : null));
            }
        }

        return backends;
    }

    /// <summary>Children of an object in QEMU's tree, with their types.</summary>
    private static async Task<IReadOnlyList<(string Name, string Type)>> ListAsync(QmpClient qmp, string path, CancellationToken cancellationToken)
    {
        const string Child = "child<";
        JsonElement reply = await qmp.ExecuteAsync("qom-list", new JsonObject { ["path"] = path }, cancellationToken: cancellationToken);
        return
        [
            .. from property in reply.EnumerateArray()
               let type = Text(property, "type")
               where type.StartsWith(Child, StringComparison.Ordinal)
               select (Text(property, "name"), type[Child.Length..^1]),
        ];
    }

    private static IReadOnlyList<string> ImagesOf(JsonElement devices) =>
    [
        .. from device in devices.EnumerateArray()
           where device.TryGetProperty("inserted", out _)
           let inserted = device.GetProperty("inserted")
           where !inserted.GetProperty("ro").GetBoolean()
           select Text(inserted, "file"),
    ];

    private static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    private static async Task<bool> FlagAsync(QmpClient qmp, string path, string property, CancellationToken cancellationToken) =>
        await GetAsync(qmp, path, property, cancellationToken) is { ValueKind: JsonValueKind.True };

    private static async Task<string?> TextAsync(QmpClient qmp, string path, string property, CancellationToken cancellationToken) =>
        await GetAsync(qmp, path, property, cancellationToken) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>Null where this QEMU's object has no such property.</summary>
    private static async Task<JsonElement?> GetAsync(QmpClient qmp, string path, string property, CancellationToken cancellationToken)
    {
        try
        {
            return await qmp.ExecuteAsync("qom-get", new JsonObject { ["path"] = path, ["property"] = property }, cancellationToken: cancellationToken);
        }
        catch (QmpException)
        {
            return null;
        }
    }
}
