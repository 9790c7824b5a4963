using System.Text.Json.Serialization;

namespace Nvwa.Lab.Hosts;

/// <summary>What <c>nvwa status --json</c> prints; times are in milliseconds.</summary>
public sealed record NvwaStatus(string Version, string Kernel, NvwaUpdate? Update);

/// <param name="Id">Names the update.</param>
/// <param name="OldKernel">Left.</param>
/// <param name="NewKernel">Entered.</param>
/// <param name="Phase">The last one entered.</param>
/// <param name="Outcome">"none" while it runs, then "updated", "degraded", "rolledBack", "interrupted" or "discarded".</param>
/// <param name="Reason">Of a rollback.</param>
/// <param name="Workloads">What is kept.</param>
/// <param name="Restarted">Units that a rollback had to start again.</param>
/// <param name="Troubles">What a rollback could not do.</param>
public sealed record NvwaUpdate(
    string Id,
    string OldKernel,
    string NewKernel,
    string Phase,
    string Outcome,
    string? Reason,
    IReadOnlyList<NvwaWorkload> Workloads,
    IReadOnlyList<string> Restarted,
    IReadOnlyList<string> Troubles);

public sealed record NvwaWorkload(
    string Name, string Kind, string Unit, string Step, int PidBefore, int? PidAfter, long ImageBytes, string? Reason, string? Log,
    NvwaBlackout? Blackout);

public sealed record NvwaBlackout(long Milliseconds, IReadOnlyList<NvwaBlackoutPart> Parts, bool IsExact);

public sealed record NvwaBlackoutPart(string Name, long Milliseconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NvwaStatus))]
internal sealed partial class NvwaJson : JsonSerializerContext;
