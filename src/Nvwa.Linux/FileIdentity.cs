namespace Nvwa.Linux;

/// <summary>What kind of file an inode is: see inode(7).</summary>
public enum FileType
{
    /// <summary>Not one of the others: descriptors without a file, as of epoll(7).</summary>
    None = 0,
    Pipe = 1,
    CharacterDevice = 2,
    Directory = 3,
    BlockDevice = 4,
    Regular = 5,
    Link = 6,
    Socket = 7,
}

/// <summary>A device's number.</summary>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    public override string ToString() => $"{Major}:{Minor}";
}

/// <summary>What stat says of a file.</summary>
/// <param name="Type">Its kind.</param>
/// <param name="Permissions">The rest of st_mode.</param>
/// <param name="Links">Names that it has; 0 for one that was unlinked.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Device">Of its file system.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Size">Bytes that can be read.</param>
/// <param name="Allocated">Bytes that it takes.</param>
/// <param name="Special">Of the device that a device file stands for.</param>
public sealed record FileIdentity(
    FileType Type,
    uint Permissions,
    uint Links,
    uint Uid,
    DeviceNumber Device,
    ulong Inode,
    long Size,
    long Allocated,
    DeviceNumber Special)
{
    private const uint WritableByOthers = 0x12;

    /// <summary>By the group, or by everybody.</summary>
    public bool IsWritableByOthers => (Permissions & WritableByOthers) != 0;

    /// <summary>Links are followed, those of /proc too. Null if the path is not there.</summary>
    public static FileIdentity? Of(string path) => Libc.TryIdentify(path);

    /// <summary>Of a symbolic link itself, if the path is one.</summary>
    public static FileIdentity? OfLink(string path) => Libc.TryIdentify(path, Libc.AT_SYMLINK_NOFOLLOW);

    public bool IsSameFile(FileIdentity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (Device, Inode) == (other.Device, other.Inode);
    }
}
