using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Directories that others read in, whatever our umask.</summary>
internal static class PublicDirectory
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>With those above it, as far as they are not there.</summary>
    public static void Make(string directory)
    {
        if (!Directory.Exists(directory))
        {
            Make(Path.GetDirectoryName(directory)!);
            Libc.MakeDirectory(directory, Mode);
            using SafeFileHandle handle = Libc.Open(directory, Libc.O_RDONLY | Libc.O_DIRECTORY);
            Libc.ChangeMode(handle, Mode, directory);
        }
    }
}
