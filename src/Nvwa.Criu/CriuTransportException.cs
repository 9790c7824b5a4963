namespace Nvwa.Criu;

/// <summary>
/// The connection to CRIU broke. What CRIU did before is not known: a dump may have stopped processes, a restore may
/// have made some. The first reason is kept; the connection is closed and not usable again.
/// </summary>
public sealed class CriuTransportException : Exception
{
    public CriuTransportException(
        CriuOperation operation,
        CriuTransportFailure failure,
        string message,
        Exception? innerException = null)
        : base(message, innerException)
    {
        Operation = operation;
        Failure = failure;
    }

    /// <summary>Gets what was going on when it broke.</summary>
    public CriuOperation Operation { get; }

    public CriuTransportFailure Failure { get; }
}
