using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>
/// A file that only grows, by whole records, each on the disk before <see cref="Append"/> returns. Several processes
/// may append: the lock is flock(2)'s, which ends with its holder (and a second one between threads of this process).
/// After a power cut the last record may be torn.
/// </summary>
public sealed class AppendLog : IDisposable
{
    private static readonly int Flags = Libc.O_RDWR | Libc.O_APPEND | Libc.O_NOFOLLOW | Libc.O_NOCTTY;

    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Lock _threads = new();

    private AppendLog(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>
    /// Opens or makes the file (0600); its name is on the disk, too, when this returns. A link is refused.
    /// </summary>
    /// <exception cref="LinuxException">ELOOP for a link; ENOENT if its directory is missing.</exception>
    public static AppendLog Open(string path)
    {
        string full = Path.GetFullPath(path);
        SafeFileHandle file = Libc.Open(full, Flags | Libc.O_CREAT, Mode);
        PrivateDirectory.Flush(Path.GetDirectoryName(full) ?? "/");
        return new AppendLog(full, file);
    }

    /// <summary>Opens a file that is there.</summary>
    /// <exception cref="LinuxException">ELOOP for a link; ENOENT.</exception>
    public static AppendLog OpenExisting(string path) => new(path, Libc.Open(path, Flags));

    /// <summary>
    /// The whole file, opened for reading only and without the lock, which .NET's own files would take (flock, LOCK_SH) and
    /// fail on while an append holds it. A record that is just being appended may be there in part.
    /// </summary>
    /// <exception cref="LinuxException">EFBIG if it is longer than <paramref name="maxBytes"/>.</exception>
    public static byte[] Peek(string path, int maxBytes)
    {
        using SafeFileHandle file = Libc.Open(path, Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NOCTTY);
        Libc.FileStatus status = Libc.Status(file, path);
        if ((long)status.Size > maxBytes)
        {
            throw new LinuxException("read", path, Errno.EFBIG, $"{status.Size} bytes, {maxBytes} allowed");
        }

        byte[] content = new byte[(long)status.Size];
        Libc.ReadAt(file, content, 0, path);
        return content;
    }

    /// <summary>
    /// One write(2) and one fdatasync(2) under the lock. A record that did not fit, or did not reach the disk, is taken
    /// back: what was reported as failed is not found later.
    /// </summary>
    /// <exception cref="LinuxException">ENOSPC, EIO, ...: the file is as before, if it could be cut back.</exception>
    public void Append(ReadOnlySpan<byte> record)
    {
        using Lock.Scope thread = _threads.EnterScope();
        using Held held = new(this, Libc.LOCK_EX);
        AppendHeld(record);
    }

    /// <summary>
    /// The same behind what is whole: what a crash left torn at the end is cut off first, under the same lock, so that of
    /// two that find it neither cuts off what the other has just written.
    /// </summary>
    /// <param name="record">What to append.</param>
    /// <param name="wholeLength">Of the content given, how much is whole; if it throws, nothing is changed.</param>
    /// <param name="maxBytes">EFBIG if the file is longer.</param>
    public void AppendBehindWhole(ReadOnlySpan<byte> record, Func<byte[], int> wholeLength, int maxBytes)
    {
        using Lock.Scope thread = _threads.EnterScope();
        using Held held = new(this, Libc.LOCK_EX);
        byte[] content = ReadHeld(maxBytes);
        int whole = wholeLength(content);
        if (whole < content.Length)
        {
            Libc.Truncate(_file, whole, _path);
        }

        AppendHeld(record);
    }

    private void AppendHeld(ReadOnlySpan<byte> record)
    {
        long before = Length;
        try
        {
            int written = Libc.Write(_file, record, _path);
            if (written < record.Length)
            {
                throw new LinuxException("write", _path, Errno.ENOSPC, $"{written} of {record.Length} bytes were written");
            }

            Libc.FlushData(_file, _path);
        }
        catch (LinuxException failed)
        {
            try
            {
                Libc.Truncate(_file, before, _path);
            }
            catch (LinuxException also)
            {
                throw new LinuxException(failed.Operation, _path, failed.Errno, $"and it could not be taken back: {also.Message}");
            }

            throw;
        }
    }

    /// <summary>The whole file, as no append is under way.</summary>
    /// <exception cref="LinuxException">EFBIG if it is longer than <paramref name="maxBytes"/>.</exception>
    public byte[] ReadAll(int maxBytes)
    {
        using Lock.Scope thread = _threads.EnterScope();
        using Held held = new(this, Libc.LOCK_SH);
        return ReadHeld(maxBytes);
    }

    private byte[] ReadHeld(int maxBytes)
    {
        long length = Length;
        if (length > maxBytes)
        {
            throw new LinuxException("read", _path, Errno.EFBIG, $"{length} bytes, {maxBytes} allowed");
        }

        byte[] content = new byte[length];
        Libc.ReadAt(_file, content, 0, _path);
        return content;
    }

    /// <summary>Cuts a torn tail off, on the disk when this returns.</summary>
    /// <param name="length">Of what stays, in bytes; not more than there is.</param>
    public void Truncate(long length)
    {
        using Lock.Scope thread = _threads.EnterScope();
        using Held held = new(this, Libc.LOCK_EX);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Libc.Truncate(_file, length, _path);
        Libc.FlushData(_file, _path);
    }

    public void Dispose() => _file.Dispose();

    private long Length => Libc.Status(_file, _path).Size;

    /// <summary>The lock, while this is in scope.</summary>
    private readonly ref struct Held
    {
        private readonly AppendLog _log;

        public Held(AppendLog log, int operation)
        {
            _log = log;
            Libc.Lock(log._file, operation, log._path);
        }

        public void Dispose() => Libc.Lock(_log._file, Libc.LOCK_UN, _log._path);
    }
}
