using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Files whose content nobody else can have made.</summary>
public static class PrivateFile
{
    // S_IFMT and S_IFREG, inode(7).
    private const uint TypeBits = 0xF000;
    private const uint Regular = 0x8000;

    /// <summary>
    /// Opens for reading a regular file that belongs to the effective user and is not writable by others.
    /// </summary>
    /// <exception cref="LinuxException">EPERM with the reason; ELOOP for a link; ENOENT.</exception>
    public static SafeFileHandle OpenRead(string path)
    {
        // O_NONBLOCK: a fifo in its place must not hold us up.
        SafeFileHandle handle = Libc.Open(path, Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NOCTTY | Libc.O_NONBLOCK);
        try
        {
            Libc.FileStatus status = Libc.Status(handle, path);
            if ((status.Mode & TypeBits) != Regular)
            {
                throw new LinuxException("open", path, Errno.EPERM, "it is no regular file");
            }

            PrivateDirectory.RefuseOthers("open", path, status);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }
}
