namespace Nvwa.Criu;

/// <summary>How a connection to CRIU broke.</summary>
public enum CriuTransportFailure
{
    /// <summary>It did not.</summary>
    None = 0,

    /// <summary>
    /// CRIU closed its end before it answered: it died, was killed, or did not accept the kind of request.
    /// </summary>
    Closed = 1,

    /// <summary>The deadline passed. CRIU may still be at work: whoever started it has to stop it.</summary>
    DeadlineExceeded = 2,

    /// <summary>The caller cancelled. CRIU may still be at work: whoever started it has to stop it.</summary>
    Cancelled = 3,

    /// <summary>A packet was larger than this client takes.</summary>
    TooLarge = 4,

    /// <summary>A packet was no message, or lacked what it must have.</summary>
    Malformed = 5,

    /// <summary>A well-formed message that does not belong here.</summary>
    UnexpectedReply = 6,

    /// <summary>The socket failed in another way; the inner exception says how.</summary>
    SocketError = 7,
}
