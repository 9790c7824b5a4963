using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Directories that nobody else can look into, or has prepared.</summary>
public static class PrivateDirectory
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>
    /// Makes a directory, and the missing ones above it, with mode 0700. One that is there already is taken if it is a
    /// directory (not a link), belongs to the effective user and is not writable by others. Its mode is left alone: it
    /// may be one that the whole host uses.
    /// </summary>
    /// <returns>True if it was made now, and so has mode 0700 and nothing in it.</returns>
    /// <exception cref="LinuxException">EPERM with the reason; ENOTDIR for a link or a file.</exception>
    public static bool Create(string path)
    {
        string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        bool isNew = MakeMissing(directory);
        using SafeFileHandle handle = Libc.Open(directory, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW);
        RefuseOthers("create", directory, Libc.Status(handle, directory));
        return isNew;
    }

    /// <summary>
    /// A descriptor of the directory, to be handed to another process instead of its path. A link is refused, and so is
    /// what belongs to another user or is writable by others.
    /// </summary>
    /// <exception cref="LinuxException">EPERM with the reason; ENOTDIR for a link or a file.</exception>
    public static SafeFileHandle Open(string path)
    {
        SafeFileHandle handle = Libc.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW);
        try
        {
            RefuseOthers("open", path, Libc.Status(handle, path));
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    internal static void RefuseOthers(string operation, string path, Libc.FileStatus status)
    {
        if (status.Uid != Libc.EffectiveUser())
        {
            throw new LinuxException(operation, path, Errno.EPERM, $"it belongs to user {status.Uid}");
        }

        if (((UnixFileMode)status.Mode & WritableByOthers) != 0)
        {
            throw new LinuxException(operation, path, Errno.EPERM, "others may write to it");
        }
    }

    /// <summary>Syncs the names in a directory: a file made or renamed there is found after a power cut.</summary>
    public static void Flush(string directory)
    {
        using SafeFileHandle handle = Libc.Open(directory, Libc.O_RDONLY | Libc.O_DIRECTORY);
        Libc.Flush(handle, directory);
    }

    private static bool MakeMissing(string directory)
    {
        string? parent = Path.GetDirectoryName(directory);
        if (parent is null)
        {
            return false;
        }

        if (!Directory.Exists(parent))
        {
            MakeMissing(parent);
        }

        if (!Libc.MakeDirectory(directory, Mode))
        {
            return false;
        }

        Flush(parent);
        return true;
    }
}
