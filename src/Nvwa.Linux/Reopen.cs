using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Opens a file as it was open before.</summary>
public static class Reopen
{
    private const int SEEK_SET = 0;

    /// <param name="path">Links in it are followed.</param>
    /// <param name="flags">As <see cref="Descriptor.Flags"/>; nothing is created or cut.</param>
    /// <param name="position">Offset in bytes; of no meaning to what has none.</param>
    /// <exception cref="LinuxException">open(2) or lseek(2) refused.</exception>
    public static SafeFileHandle As(string path, int flags, long position)
    {
        SafeFileHandle handle = Libc.Open(path, (flags & ~(Libc.O_CREAT | Libc.O_EXCL | Libc.O_TRUNC)) | Libc.O_NOCTTY);
        if (position != 0)
        {
            Libc.Seek(handle, position, SEEK_SET, path);
        }

        return handle;
    }

    /// <summary>Gives an open file the flags that another one had, as far as they can change (F_SETFL of fcntl(2)).</summary>
    /// <exception cref="LinuxException">fcntl(2) refused.</exception>
    public static void SetFlags(SafeFileHandle file, int flags) => Libc.SetFlags(file, flags);
}
