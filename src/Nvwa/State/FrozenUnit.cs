using System.Text.Json.Serialization;

namespace Nvwa.State;

/// <summary>A control group of a unit: the unit's own, or one that was made below it (Delegate=).</summary>
/// <param name="Path">Below the unit's own; empty for that one.</param>
/// <param name="Pids">The processes in it.</param>
/// <param name="Controllers">Those that it hands on to the groups below it (cgroup.subtree_control).</param>
/// <param name="Settings">Content by file, as <c>memory.max</c>.</param>
internal sealed record FrozenGroup(string Path, IReadOnlyList<int> Pids, IReadOnlyList<string> Controllers, IReadOnlyDictionary<string, string> Settings);

/// <summary>
/// What a workload had besides its processes when it was frozen, <c>unit.json</c> among its images: no CRIU knows of it, and
/// systemd forgets it.
/// </summary>
/// <param name="Status">What the service said of itself (STATUS= of sd_notify(3)).</param>
/// <param name="Groups">Each after the one that it is in.</param>
internal sealed record FrozenUnit(string Status, IReadOnlyList<FrozenGroup> Groups)
{
    private const string FileName = "unit.json";

    public static FrozenUnit Nothing { get; } = new("", []);

    public void Write(string directory) => ImageNote.Write(Path.Combine(directory, FileName), this, FrozenUnitJson.Default.FrozenUnit);

    /// <summary>Of images that were verified.</summary>
    public static FrozenUnit Read(string directory) =>
        ImageNote.Read(Path.Combine(directory, FileName), FrozenUnitJson.Default.FrozenUnit) ?? Nothing;
}

[JsonSerializable(typeof(FrozenUnit))]
internal sealed partial class FrozenUnitJson : JsonSerializerContext;
