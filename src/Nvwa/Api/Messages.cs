using System.Text.Json.Serialization;
using Nvwa.Core;
using Nvwa.Core.Checks;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;

namespace Nvwa.Api;

// What a caller asks for is read strictly: a misspelt "dryRun" must not become an update.
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record UpdateParameters(string Version, string? Append = null, bool? DryRun = null);

/// <summary>A step of a running update, or its last word.</summary>
internal sealed record Progress(string? Id, Phase Phase, string Message, IReadOnlyList<CheckResult>? Results = null);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CheckParameters(string? Version = null);

internal sealed record CheckReply(IReadOnlyList<CheckResult> Results);

internal sealed record NoParameters;

internal sealed record CancelReply(string Id);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record InitParameters(bool? Discard = null);

internal sealed record InitReply(IReadOnlyList<string> Removed);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record StatusParameters(string? Id = null, bool? Wait = null);

internal sealed record StatusReply(string Version, string Kernel, UpdateReport? Update);

internal sealed record PhaseTime(Phase Phase, string Began, long? Milliseconds);

internal sealed record WorkloadReport(
    string Name,
    WorkloadKind Kind,
    string Unit,
    WorkloadStep Step,
    int PidBefore,
    int? PidAfter,
    long ImageBytes,
    string? Reason,
    string? Log,
    Blackout? Blackout);

internal sealed record UpdateReport(
    string Id,
    string OldKernel,
    string NewKernel,
    Phase Phase,
    Outcome Outcome,
    string? Reason,
    IReadOnlyList<PhaseTime> Phases,
    IReadOnlyList<WorkloadReport> Workloads,
    IReadOnlyList<string> Restarted,
    IReadOnlyList<string> Troubles,
    // Absent from the answer of a daemon that does not know restore_net.
    NetworkStep? Network = null)
{
    public static UpdateReport Of(UpdateState state) => new(
        state.Id,
        state.Opening.OldRelease,
        state.Opening.NewRelease,
        state.Phase,
        state.Outcome,
        state.RollBack?.Reason,
        [.. state.Phases.Select((entered, i) => Time(entered, state.Phases.ElementAtOrDefault(i + 1)))],
        [.. state.Workloads.Select(workload => Of(state, workload))],
        state.RollBack?.Restarted ?? [],
        state.RollBack?.Troubles ?? state.End?.Troubles ?? [],
        state.Network?.Step);

    private static WorkloadReport Of(UpdateState state, WorkloadState workload) => new(
        workload.Workload.Name,
        workload.Workload.Kind,
        workload.Workload.Unit,
        workload.Step,
        workload.Workload.MainPid,
        workload.Step == WorkloadStep.Restored ? workload.MainPid : null,
        workload.ImageBytes,
        workload.Reason,
        workload.Log,
        Blackout.Of(state, workload));

    private static PhaseTime Time(PhaseEntered entered, PhaseEntered? next) => new(
        entered.Phase,
        DateTimeOffset.FromUnixTimeMilliseconds(entered.At.Realtime / 1_000_000).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", null),
        next is null ? null : (next.At.Realtime - entered.At.Realtime) / 1_000_000);
}

/// <summary>A virtual machine: one of <c>vms</c>, or a QEMU that could be.</summary>
internal sealed record MachineReport(
    string Name, string Qmp, bool IsConfigured, string? Unit, int? Pid, string? Version, string? Machine, string? Status, long? MemoryMebibytes, string? Problem);

internal sealed record MachinesReply(IReadOnlyList<MachineReport> Machines);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CheckMachineParameters(string Name, string? Qemu = null);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record UpgradeMachineParameters(string Name, string? Qemu = null, string? Mode = null);

internal sealed record UpgradeMachineReply(
    string Name, string Mode, string OldVersion, string NewVersion, Blackout? Blackout, IReadOnlyList<string> Setbacks);

internal sealed record Message(string Text)
{
    [JsonPropertyName("message")]
    public string Text { get; } = Text;
}

internal sealed record RefusedParameters(IReadOnlyList<CheckResult> Results);

internal sealed record BusyParameters(string Id);

internal sealed record PendingParameters(IReadOnlyList<string> Workloads);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [
        typeof(LowerCaseNames<Phase>), typeof(LowerCaseNames<Verdict>), typeof(LowerCaseNames<WorkloadKind>),
        typeof(LowerCaseNames<WorkloadStep>), typeof(LowerCaseNames<NetworkStep>), typeof(LowerCaseNames<Outcome>)],
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(UpdateParameters))]
[JsonSerializable(typeof(Progress))]
[JsonSerializable(typeof(CheckParameters))]
[JsonSerializable(typeof(CheckReply))]
[JsonSerializable(typeof(NoParameters))]
[JsonSerializable(typeof(CancelReply))]
[JsonSerializable(typeof(InitParameters))]
[JsonSerializable(typeof(InitReply))]
[JsonSerializable(typeof(StatusParameters))]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(MachinesReply))]
[JsonSerializable(typeof(CheckMachineParameters))]
[JsonSerializable(typeof(UpgradeMachineParameters))]
[JsonSerializable(typeof(UpgradeMachineReply))]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(RefusedParameters))]
[JsonSerializable(typeof(BusyParameters))]
[JsonSerializable(typeof(PendingParameters))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>Enum members as <c>rollBack</c> stand for <c>RollBack</c>, as the interface says.</summary>
internal sealed class LowerCaseNames<T>() : JsonStringEnumConverter<T>(System.Text.Json.JsonNamingPolicy.CamelCase)
    where T : struct, Enum;
