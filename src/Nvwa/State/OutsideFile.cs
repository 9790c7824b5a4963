using System.Text.Json.Serialization;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// A file on a mount that the mount namespace of its process does not have: systemd opened it for the unit (StandardInput=,
/// StandardOutput=file:) before it made the namespace. The dump leaves it out, and the restore opens it anew and hands it in.
/// </summary>
/// <param name="MountId">In the old kernel.</param>
/// <param name="Inode">In the old kernel; with the mount it is CRIU's name for the file.</param>
/// <param name="Path">For the host.</param>
/// <param name="Flags">As open(2) takes them.</param>
/// <param name="Position">Offset in bytes.</param>
internal sealed record OutsideFile(int MountId, ulong Inode, string Path, int Flags, long Position)
{
    private const string FileName = "outside.json";

    /// <summary>Those of some processes in one mount namespace; what several of them share is named once.</summary>
    /// <param name="pids">The processes.</param>
    /// <param name="mounts">Of their namespace.</param>
    public static IReadOnlyList<OutsideFile> Of(IEnumerable<int> pids, IReadOnlyList<Mount> mounts)
    {
        HashSet<int> inside = [.. mounts.Select(mount => mount.Id)];
        return
        [
            .. pids.SelectMany(OpenFile.Of)
                .Where(file => file.Descriptor.MountId > 0 && !inside.Contains(file.Descriptor.MountId) && file.Descriptor.Target.StartsWith('/'))
                .Where(file => FileIdentity.Of(file.Path)?.IsSameFile(file.Identity) == true)
                .DistinctBy(file => (file.Descriptor.MountId, file.Identity.Inode))
                .Select(file => new OutsideFile(file.Descriptor.MountId, file.Identity.Inode, file.Path, file.Descriptor.Flags, file.Descriptor.Position)),
        ];
    }

    public static void Write(string directory, IReadOnlyList<OutsideFile> files) =>
        ImageNote.Write(System.IO.Path.Combine(directory, FileName), files, OutsideFileJson.Default.IReadOnlyListOutsideFile);

    /// <summary>Of images that were verified.</summary>
    public static IReadOnlyList<OutsideFile> Read(string directory) =>
        ImageNote.Read(System.IO.Path.Combine(directory, FileName), OutsideFileJson.Default.IReadOnlyListOutsideFile) ?? [];
}

[JsonSerializable(typeof(IReadOnlyList<OutsideFile>))]
internal sealed partial class OutsideFileJson : JsonSerializerContext;
