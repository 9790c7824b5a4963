using System.Text.Json;

namespace Nvwa.Qemu;

/// <summary>What QEMU and the guest agent answer: <c>{"return": VALUE}</c> or <c>{"error": {"class": ..., "desc": ...}}</c>.</summary>
internal static class QmpReply
{
    public static bool IsReply(JsonElement message) =>
        message.TryGetProperty("return", out _) || message.TryGetProperty("error", out _);

    /// <exception cref="QmpException">The reply is an error.</exception>
    public static JsonElement Value(string command, JsonElement reply) =>
        reply.TryGetProperty("error", out JsonElement error)
            ? throw new QmpException(command, Text(error, "class"), Text(error, "desc"))
            : reply.GetProperty("return");

    private static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object
        && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : $"(no {name})";
}
