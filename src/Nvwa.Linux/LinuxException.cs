using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>
/// The kernel, or a C library in front of it, said no. The message reads like a tool's:
/// <c>open /x: No such file or directory (ENOENT)</c>.
/// </summary>
public sealed class LinuxException : Exception
{
    /// <param name="operation">The system call or step that failed, by its own name.</param>
    /// <param name="subject">What it was done to (a path, a PID, a program); null if there is nothing to name.</param>
    /// <param name="errno">One of <see cref="Nvwa.Linux.Errno"/>.</param>
    /// <param name="detail">What the failing party said in words, if it said more than a number.</param>
    public LinuxException(string operation, string? subject, int errno, string? detail = null)
        : base(Compose(operation, subject, errno, detail))
    {
        Operation = operation;
        Subject = subject;
        Errno = errno;
        Detail = detail;
    }

    public string Operation { get; }

    public string? Subject { get; }

    /// <summary>The error number: see errno(3).</summary>
    public int Errno { get; }

    public string? Detail { get; }

    private static string Compose(string operation, string? subject, int errno, string? detail)
    {
        string where = subject is null ? operation : $"{operation} {subject}";
        string why = $"{Marshal.GetPInvokeErrorMessage(errno)} ({Nvwa.Linux.Errno.Name(errno)})";
        return detail is null ? $"{where}: {why}" : $"{where}: {why}: {detail}";
    }
}
