using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Files that are the old content or the new one after a crash or a power cut, never part of either.</summary>
public static class AtomicFile
{
    private const UnixFileMode Default = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Writes <c>.NAME.xxxxxxxx.new</c> beside the file, syncs it, renames it over the file, syncs the directory. After
    /// a crash one such remnant may lie there.
    /// </summary>
    /// <param name="path">A link is replaced, not followed.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Exactly, whatever the umask: 0600 unless said.</param>
    /// <exception cref="LinuxException">The old file is still there, unchanged (ENOSPC, EROFS, ...).</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = Default)
    {
        string target = Path.GetFullPath(path);
        string directory = Path.GetDirectoryName(target)
            ?? throw new LinuxException("open", path, Errno.EISDIR);
        string temporary = Path.Join(
            directory, $".{Path.GetFileName(target)}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.new");
        try
        {
            WriteNew(temporary, content, mode);
            Libc.Rename(temporary, target);
        }
        catch (LinuxException)
        {
            Libc.Unlink(temporary);
            throw;
        }

        PrivateDirectory.Flush(directory);
    }

    /// <summary>The same with text, as UTF-8.</summary>
    public static void Write(string path, string content, UnixFileMode mode = Default) =>
        Write(path, Encoding.UTF8.GetBytes(content), mode);

    private static void WriteNew(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        using SafeFileHandle file = Libc.Open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL, Default);
        Libc.WriteAll(file, content, path);
        Libc.ChangeMode(file, mode, path);
        Libc.Flush(file, path);
    }
}
