using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

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

    /// <summary>More than any tree of control groups needs.</summary>
    private const int MaxLength = 64 << 20;

    public static FrozenUnit Nothing { get; } = new("", []);

    public void Write(string directory)
    {
        using FileStream file = File.Create(Path.Combine(directory, FileName));
        JsonSerializer.Serialize(file, this, FrozenUnitJson.Default.FrozenUnit);
    }

    /// <summary>Of images that were verified.</summary>
    public static FrozenUnit Read(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            return Nothing;
        }

        using SafeFileHandle handle = PrivateFile.OpenRead(path);
        byte[] bytes = new byte[Math.Min(RandomAccess.GetLength(handle), MaxLength)];
        int length = RandomAccess.Read(handle, bytes, 0);
        return JsonSerializer.Deserialize(bytes.AsSpan(0, length), FrozenUnitJson.Default.FrozenUnit) ?? Nothing;
    }
}

[JsonSerializable(typeof(FrozenUnit))]
internal sealed partial class FrozenUnitJson : JsonSerializerContext;
