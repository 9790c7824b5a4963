using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Reading of the kernel's small text files, whose subject may go away between any two calls.</summary>
internal static class Proc
{
    private const int FirstSize = 4096;

    /// <summary>All of the file; null if it, or the process behind it, is not there (any more).</summary>
    /// <exception cref="LinuxException">It is there but may not be read.</exception>
    public static byte[]? TryRead(string path)
    {
        using SafeFileHandle? file = Libc.TryOpen(path, Libc.O_RDONLY, out int errno);
        if (file is null)
        {
            return IsGone(errno) ? null : throw new LinuxException("open", path, errno);
        }

        byte[] buffer = new byte[FirstSize];
        int length = 0;
        while (true)
        {
            int count = Libc.TryRead(file, buffer.AsSpan(length));
            if (count < 0)
            {
                return IsGone(-count) ? null : throw new LinuxException("read", path, -count);
            }

            if (count == 0)
            {
                return buffer[..length];
            }

            length += count;
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }
        }
    }

    /// <summary>The same as text, without the last line's end.</summary>
    public static string? TryReadText(string path) =>
        TryRead(path) is { } bytes ? Encoding.UTF8.GetString(bytes).TrimEnd('\n') : null;

    /// <summary>As <see cref="TryReadText"/>, for files that every Linux has.</summary>
    public static string ReadText(string path) =>
        TryReadText(path) ?? throw new LinuxException("open", path, Errno.ENOENT);

    public static IReadOnlyList<string> TryReadLines(string path) => TryReadText(path)?.Split('\n') ?? [];

    /// <summary>The numbers among the names in a directory, in order; none if it is not there (any more).</summary>
    public static IReadOnlyList<int> Numbers(string directory)
    {
        List<int> numbers = [];
        try
        {
            foreach (string entry in Directory.EnumerateFileSystemEntries(directory))
            {
                if (int.TryParse(Path.GetFileName(entry.AsSpan()), out int number))
                {
                    numbers.Add(number);
                }
            }
        }
        catch (IOException)
        {
            return [];
        }

        numbers.Sort();
        return numbers;
    }

    private static bool IsGone(int errno) => errno is Errno.ENOENT or Errno.ESRCH or Errno.ENOTDIR;
}
