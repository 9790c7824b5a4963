using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Nvwa.Varlink;

/// <summary>A call answered by an error: its name and what the interface says goes with it.</summary>
internal sealed class VarlinkException(string error, JsonElement parameters) : Exception(error)
{
    public string Error { get; } = error;

    public JsonElement Parameters { get; } = parameters;

    public static VarlinkException Of<T>(string error, T parameters, JsonTypeInfo<T> type) =>
        new(error, JsonSerializer.SerializeToElement(parameters, type));
}

/// <summary>One call that a client made.</summary>
/// <param name="Request">Method and parameters.</param>
/// <param name="CallerPid">The process at the other end (SO_PEERCRED).</param>
/// <param name="Replies">Sends a reply that is not the last; does nothing for a caller that wants only one.</param>
internal sealed record VarlinkCall(VarlinkRequest Request, int CallerPid, Func<JsonElement, Task> Replies)
{
    public T Parameters<T>(JsonTypeInfo<T> type)
    {
        JsonElement given = Request.Parameters ?? JsonDocument.Parse("{}").RootElement;
        try
        {
            return given.Deserialize(type)!;
        }
        catch (JsonException broken)
        {
            throw VarlinkException.Of(
                "org.varlink.service.InvalidParameter", new UnknownParameter(Culprit(given, type, broken)), VarlinkJson.Default.UnknownParameter);
        }
    }

    /// <summary>The parameter that is unknown, missing or of the wrong type.</summary>
    private static string Culprit(JsonElement given, JsonTypeInfo type, JsonException broken)
    {
        string[] names = given.ValueKind == JsonValueKind.Object ? [.. given.EnumerateObject().Select(NameOf)] : [];
        return names.Except(type.Properties.Select(property => property.Name)).FirstOrDefault()
            ?? type.Properties.Where(property => property.IsRequired).Select(property => property.Name).Except(names).FirstOrDefault()
            ?? broken.Path?.TrimStart('$', '.')
            ?? "";
    }

    /// <summary>A name may hold bytes or escapes that are no text; nothing of ours is called so.</summary>
    private static string NameOf(JsonProperty parameter)
    {
        try
        {
            return parameter.Name;
        }
        catch (InvalidOperationException)
        {
            return "\uFFFD";
        }
    }

    public Task ReplyAsync<T>(T parameters, JsonTypeInfo<T> type) => Replies(JsonSerializer.SerializeToElement(parameters, type));
}

/// <summary>A method: takes a call, gives the parameters of the last reply, or throws <see cref="VarlinkException"/>.</summary>
internal delegate Task<JsonElement> VarlinkMethod(VarlinkCall call, CancellationToken cancellation);

/// <summary>What a server offers under one name. It must have an error <c>Failed (message: string)</c>.</summary>
/// <param name="Name">As <c>io.nvwa</c>.</param>
/// <param name="Description">The interface in varlink's own language.</param>
/// <param name="Methods">By name without the interface.</param>
internal sealed record VarlinkInterface(string Name, string Description, IReadOnlyDictionary<string, VarlinkMethod> Methods);
