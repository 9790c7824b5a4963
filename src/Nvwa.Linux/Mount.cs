namespace Nvwa.Linux;

/// <summary>A line of mountinfo: see proc_pid_mountinfo(5).</summary>
/// <param name="Id">Of the mount, while it exists.</param>
/// <param name="ParentId">Of the mount that it is mounted on.</param>
/// <param name="Device">Of the file system, <c>259:1</c>; major 0 if it has no block device of its own.</param>
/// <param name="Root">The directory of the file system that shows at the mount point.</param>
/// <param name="Point">The mount point, as the reading process sees it.</param>
/// <param name="Type">The file system's type.</param>
/// <param name="Source">The device, the server's export, or a word without meaning.</param>
/// <param name="Options">Of this mount.</param>
/// <param name="SuperOptions">Of the file system.</param>
public sealed record Mount(
    int Id,
    int ParentId,
    string Device,
    string Root,
    string Point,
    string Type,
    string Source,
    IReadOnlyList<string> Options,
    IReadOnlyList<string> SuperOptions)
{
    /// <summary>Neither the mount nor the file system is read-only.</summary>
    public bool IsWritable => !Options.Contains("ro") && !SuperOptions.Contains("ro");
}
