using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>
/// A file that keeps a machine's memory while no QEMU has it. With another one in its place QEMU would load the machine
/// without a word, and the guest would run in memory that is not its own.
/// </summary>
/// <param name="Path">As QEMU has it (mem-path).</param>
/// <param name="IsDevice">Device DAX, where there is nothing else to compare.</param>
/// <param name="Inode">Of a file.</param>
/// <param name="Bytes">Of a file.</param>
public sealed record MemoryFile(string Path, bool IsDevice, ulong Inode, long Bytes)
{
    /// <returns>Null where there is none, or a directory, in which QEMU has made a file without a name.</returns>
    public static MemoryFile? Of(string path) => FileIdentity.Of(path) switch
    {
        { Type: FileType.Regular } file => new MemoryFile(path, IsDevice: false, file.Inode, file.Size),
        { Type: FileType.CharacterDevice } => new MemoryFile(path, IsDevice: true, 0, 0),
        _ => null,
    };

    /// <exception cref="MigrationException">It is gone, or another one.</exception>
    public void RequireSame()
    {
        MemoryFile? now = Of(Path);
        if (now != this)
        {
            throw new MigrationException(now is null ? $"the machine's memory {Path} is gone" : $"{Path} is not the file that had the machine's memory");
        }
    }
}
