using System.Text.Json;

namespace Nvwa.Qemu;

/// <summary>
/// What a QEMU says that it can do: the reply to query-qmp-schema (qapi/introspect.json). Commands have their own names;
/// names of types mean nothing by themselves.
/// </summary>
public sealed class QmpSchema
{
    private readonly Dictionary<string, JsonElement> _entities;

    private QmpSchema(Dictionary<string, JsonElement> entities) => _entities = entities;

    /// <exception cref="QmpTransportException">The conversation ended, or the reply is no schema.</exception>
    public static async Task<QmpSchema> ReadAsync(QmpClient qmp, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        JsonElement reply = await qmp.ExecuteAsync("query-qmp-schema", cancellationToken: cancellationToken);
        return Parse(reply, qmp.SocketPath);
    }

    public bool HasCommand(string command) => Find(command) is { } entity && Text(entity, "meta-type") == "command";

    /// <param name="command">QEMU's name for it.</param>
    /// <param name="path">An argument of the command, a member of that, and so on; through lists.</param>
    public bool Has(string command, params ReadOnlySpan<string> path) => Reach(command, path) is not null;

    /// <summary>The values that an argument may have, or a member of one; none where there is no such thing.</summary>
    public IReadOnlySet<string> Values(string command, params ReadOnlySpan<string> path) =>
        Reach(command, path) is { } type ? Names(type).ToHashSet(StringComparer.Ordinal) : new HashSet<string>(StringComparer.Ordinal);

    internal static QmpSchema Parse(JsonElement reply, string socketPath)
    {
        try
        {
            return new QmpSchema(reply.EnumerateArray().ToDictionary(entity => entity.GetProperty("name").GetString()!, StringComparer.Ordinal));
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw new QmpTransportException(socketPath, "the reply to query-qmp-schema is not what QEMU documents", e);
        }
    }

    private JsonElement? Reach(string command, ReadOnlySpan<string> path)
    {
        JsonElement? type = Find(command) is { } entity ? Find(Text(entity, "arg-type")) : null;
        foreach (string name in path)
        {
            type = type is { } parent ? Member(parent, name) : null;
        }

        return type;
    }

    private JsonElement? Member(JsonElement type, string name)
    {
        JsonElement? found = Find(List(type, "members").Where(member => Text(member, "name") == name).Select(member => Text(member, "type")).FirstOrDefault());
        // As deep as the schema is large, should a list be one of itself.
        for (int depth = 0; depth < _entities.Count && found is { } list && Text(list, "meta-type") == "array"; depth++)
        {
            found = Find(Text(list, "element-type"));
        }

        return found;
    }

    /// <summary>Of an enumeration: "values" is deprecated in favour of "members" (6.2), and the only one before.</summary>
    private static IEnumerable<string> Names(JsonElement enumeration) =>
        List(enumeration, "values").Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!)
            .Concat(Text(enumeration, "meta-type") == "enum" ? List(enumeration, "members").Select(member => Text(member, "name")).OfType<string>() : []);

    private static JsonElement[] List(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [];

    private JsonElement? Find(string? name) => name is not null && _entities.TryGetValue(name, out JsonElement entity) ? entity : null;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
