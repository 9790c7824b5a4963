namespace Nvwa.Criu;

/// <summary>
/// CRIU said no. The connection worked; the reason is CRIU's, and its log has more. When a script handler refused, its
/// exception is the inner one.
/// </summary>
public sealed class CriuException : Exception
{
    public CriuException(
        CriuOperation operation,
        int errorNumber,
        string? peerMessage,
        string? logPath,
        Exception? innerException = null)
        : base(Describe(operation, errorNumber, peerMessage, logPath), innerException)
    {
        Operation = operation;
        ErrorNumber = errorNumber;
        PeerMessage = peerMessage;
        LogPath = logPath;
    }

    public CriuOperation Operation { get; }

    /// <summary>
    /// Gets CRIU's errno for the failure, 0 when it gave none. Known uses: EEXIST (17) a PID of the images is taken,
    /// ESRCH (3) no such process to dump, EBADRQC (56) the options were not accepted.
    /// </summary>
    public int ErrorNumber { get; }

    /// <summary>Gets the first error line of CRIU's log as CRIU sent it, null when it sent none.</summary>
    public string? PeerMessage { get; }

    /// <summary>Gets where the log is, null when that is not known.</summary>
    public string? LogPath { get; }

    private static string Describe(CriuOperation operation, int errorNumber, string? message, string? logPath)
    {
        string number = errorNumber == 0 ? string.Empty : $" (errno {errorNumber})";
        string reason = string.IsNullOrWhiteSpace(message) ? string.Empty : $": {message.Trim()}";
        string log = logPath is null ? string.Empty : $"; log: {logPath}";
        return $"CRIU refused {operation}{number}{reason}{log}";
    }
}
