using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>A file that another program fills, and later reads, through descriptors that it is given: it needs no way to its path.</summary>
public static class StateFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes it, empty, for writing only.</summary>
    /// <exception cref="LinuxException">EEXIST: it is there already; ENOSPC.</exception>
    public static SafeFileHandle Create(string path) =>
        Libc.Open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW, Private);

    /// <summary>Opens what <see cref="Create"/> has made a second time, past the page cache: open(2), O_DIRECT.</summary>
    /// <returns>Null where the file system has no such way.</returns>
    public static SafeFileHandle? TryOpenDirect(string path, FileAccess access) =>
        Libc.TryOpen(path, (access == FileAccess.Read ? Libc.O_RDONLY : Libc.O_WRONLY) | Libc.O_NOFOLLOW | Libc.O_DIRECT, out _);
}
