using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Nvwa.Linux;

/// <summary>
/// Calls to journald's varlink service. A call and its reply are one JSON object each, ended by a zero byte:
/// <code>
/// -> {"method":"io.systemd.Journal.Synchronize","parameters":{}}\0
/// &lt;- {"parameters":{}}\0    or    {"error":"io.systemd....","parameters":{...}}\0
/// </code>
/// </summary>
public static partial class Journald
{
    private const string SocketPath = "/run/systemd/journal/io.systemd.journal";
    private const int ReplyMaximum = 64 * 1024;

    /// <summary>
    /// Returns when all that was logged before is written to the journal files, and these are flushed to disk.
    /// </summary>
    /// <exception cref="SystemdException">journald refused.</exception>
    /// <exception cref="LinuxException">It is not running (ENOENT, ECONNREFUSED), is silent (ETIMEDOUT), or hung up.</exception>
    public static void Synchronize(TimeSpan timeout) => Synchronize(timeout, SocketPath);

    /// <summary>
    /// Returns when journald has closed its files below /var/log and goes on below /run. Nothing is then left open in
    /// the root file system that a next boot would find uncleanly closed. Undone by io.systemd.Journal.FlushToVar.
    /// </summary>
    /// <inheritdoc cref="Synchronize(TimeSpan)"/>
    public static void RelinquishVar(TimeSpan timeout) => RelinquishVar(timeout, SocketPath);

    /// <summary>The reverse of <see cref="RelinquishVar(TimeSpan)"/>: what was logged meanwhile is moved to /var/log.</summary>
    /// <inheritdoc cref="Synchronize(TimeSpan)"/>
    public static void FlushToVar(TimeSpan timeout) => FlushToVar(timeout, SocketPath);

    internal static void Synchronize(TimeSpan timeout, string path) =>
        Call("io.systemd.Journal.Synchronize", timeout, path);

    internal static void RelinquishVar(TimeSpan timeout, string path) =>
        Call("io.systemd.Journal.RelinquishVar", timeout, path);

    internal static void FlushToVar(TimeSpan timeout, string path) =>
        Call("io.systemd.Journal.FlushToVar", timeout, path);

    private static void Call(string method, TimeSpan timeout, string path)
    {
        Deadline deadline = new(timeout);
        string call = "{\"method\":\"" + method + "\",\"parameters\":{}}\0";
        byte[] reply;
        try
        {
            using Socket socket = JournaldSocket.Connect(path, timeout);
            socket.Send(Encoding.UTF8.GetBytes(call));
            reply = ReadReply(socket, deadline, method);
        }
        catch (SocketException failure)
        {
            throw new LinuxException(method, path, failure.NativeErrorCode);
        }

        ThrowIfError(reply, method);
    }

    private static byte[] ReadReply(Socket socket, Deadline deadline, string method)
    {
        ArrayBufferWriter<byte> reply = new();
        Span<Libc.PollEntry> entries = [new((int)socket.SafeHandle.DangerousGetHandle())];
        while (reply.WrittenCount < ReplyMaximum)
        {
            if (!Libc.Poll(entries, deadline))
            {
                throw new LinuxException(method, null, Errno.ETIMEDOUT);
            }

            int count = socket.Receive(reply.GetSpan());
            if (count == 0)
            {
                throw new LinuxException(method, null, Errno.ECONNRESET, "journald closed the connection");
            }

            reply.Advance(count);
            if (reply.WrittenSpan[^1] == 0)
            {
                return reply.WrittenSpan[..^1].ToArray();
            }
        }

        throw new LinuxException(method, null, Errno.EMSGSIZE);
    }

    private static void ThrowIfError(byte[] reply, string method)
    {
        try
        {
            using var document = JsonDocument.Parse(reply);
            if (document.RootElement.TryGetProperty("error", out JsonElement error))
            {
                document.RootElement.TryGetProperty("parameters", out JsonElement parameters);
                string explanation = parameters.ValueKind == JsonValueKind.Object ? parameters.GetRawText() : "";
                throw new SystemdException(method, null, error.GetString() ?? "", explanation);
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new LinuxException(method, null, Errno.EBADMSG, failure.Message);
        }
    }
}
