using System.Text.Json;
using System.Text.Json.Serialization;

namespace Nvwa.Varlink;

/// <summary>What a client sends (varlink.org, "Method Call").</summary>
internal sealed record VarlinkRequest(string Method, JsonElement? Parameters = null, bool? Oneway = null, bool? More = null);

/// <summary>What a server sends: the last reply to a call has no <c>continues</c>.</summary>
internal sealed record VarlinkReply(JsonElement? Parameters = null, bool? Continues = null, string? Error = null);

internal sealed record ServiceInfo(string Vendor, string Product, string Version, string Url, IReadOnlyList<string> Interfaces);

internal sealed record InterfaceQuery(string Interface);

internal sealed record InterfaceDescription(string Description);

internal sealed record UnknownMethod(string Method);

internal sealed record UnknownParameter(string Parameter);

internal sealed record Failure(string Message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VarlinkRequest))]
[JsonSerializable(typeof(VarlinkReply))]
[JsonSerializable(typeof(ServiceInfo))]
[JsonSerializable(typeof(InterfaceQuery))]
[JsonSerializable(typeof(InterfaceDescription))]
[JsonSerializable(typeof(UnknownMethod))]
[JsonSerializable(typeof(UnknownParameter))]
[JsonSerializable(typeof(Failure))]
internal sealed partial class VarlinkJson : JsonSerializerContext;
