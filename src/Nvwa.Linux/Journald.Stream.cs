using System.Net.Sockets;
using System.Text;

namespace Nvwa.Linux;

/// <summary>
/// The socket that systemd gives a service as its standard output: a stream to journald that begins with seven lines.
/// <code>
/// identifier            SYSLOG_IDENTIFIER of what is written
/// unit                  the unit it is logged for; believed because the sender is root
/// priority              facility * 8 + level
/// level prefix          1: a line may begin with &lt;level>
/// forward to syslog     0
/// forward to kmsg       0
/// forward to console    0
/// </code>
/// After them everything is log text. The reading direction is shut down.
/// </summary>
public static partial class Journald
{
    /// <summary>LOG_DAEMON | LOG_INFO, systemd's default.</summary>
    public const int DefaultStreamPriority = 30;

    private const string StreamPath = "/run/systemd/journal/stdout";

    /// <summary>What systemd asks for; the kernel caps it. A writer blocks when it is full.</summary>
    private const int SendBufferSize = 8 * 1024 * 1024;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A connected, blocking socket with CLOEXEC. It belongs to the caller.</summary>
    /// <exception cref="LinuxException">journald is not there: ENOENT, ECONNREFUSED.</exception>
    public static Socket ConnectStream(string identifier, string unit, int priority = DefaultStreamPriority) =>
        ConnectStream(identifier, unit, priority, StreamPath);

    /// <summary>The same for lines of text, which are logged for the unit that the caller is in.</summary>
    /// <exception cref="LinuxException">journald is not there: ENOENT, ECONNREFUSED.</exception>
    public static TextWriter OpenWriter(string identifier) => OpenWriter(identifier, StreamPath);

    internal static TextWriter OpenWriter(string identifier, string path)
    {
        // A stream of .NET's on a socket wants it to be connected in both directions.
        using Socket socket = ConnectStream(identifier, unit: "", DefaultStreamPriority, path);
        return new StreamWriter(new FileStream(Libc.Duplicate(socket.SafeHandle, minimum: 3), FileAccess.Write, bufferSize: 0)) { AutoFlush = true };
    }

    internal static Socket ConnectStream(string identifier, string unit, int priority, string path)
    {
        if (identifier.Contains('\n', StringComparison.Ordinal) || unit.Contains('\n', StringComparison.Ordinal))
        {
            throw new ArgumentException("A line break would begin another header line.", nameof(identifier));
        }

        Socket socket = JournaldSocket.Connect(path, ConnectTimeout);
        try
        {
            socket.SendBufferSize = SendBufferSize;
            socket.Shutdown(SocketShutdown.Receive);
            socket.Send(Encoding.UTF8.GetBytes($"{identifier}\n{unit}\n{priority}\n1\n0\n0\n0\n"));
            return socket;
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw new LinuxException("send", path, failure.NativeErrorCode);
        }
    }
}
