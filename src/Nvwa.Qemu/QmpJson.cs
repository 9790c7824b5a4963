using System.Text.Json.Serialization;

namespace Nvwa.Qemu;

/// <summary>The replies that are read as types; names are QEMU's own, in kebab case.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(QmpRunStatus))]
[JsonSerializable(typeof(QmpVersionReply))]
[JsonSerializable(typeof(GuestExecReply))]
[JsonSerializable(typeof(GuestExecStatusReply))]
[JsonSerializable(typeof(GuestFileReadReply))]
[JsonSerializable(typeof(GuestFileWriteReply))]
internal sealed partial class QmpJson : JsonSerializerContext;

internal sealed record QmpVersionReply(QmpVersionTriple Qemu, string Package);

internal sealed record QmpVersionTriple(int Major, int Minor, int Micro);

internal sealed record GuestExecReply(long Pid);

internal sealed record GuestExecStatusReply(
    bool Exited, int? Exitcode = null, int? Signal = null, string? OutData = null, string? ErrData = null,
    bool OutTruncated = false, bool ErrTruncated = false);

internal sealed record GuestFileReadReply(int Count, string BufB64, bool Eof);

internal sealed record GuestFileWriteReply(int Count, bool Eof);
