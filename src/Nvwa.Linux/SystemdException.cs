namespace Nvwa.Linux;

/// <summary>
/// The service manager, or journald, answered with an error. That the answer did not come at all is a
/// <see cref="LinuxException"/>.
/// </summary>
public sealed class SystemdException : Exception
{
    /// <param name="operation">The member that was called, for example <c>StopUnit</c>.</param>
    /// <param name="subject">What it was called for, as a rule a unit; null if there is nothing to name.</param>
    /// <param name="errorName">See <see cref="ErrorName"/>.</param>
    /// <param name="explanation">The peer's own words; may be empty.</param>
    public SystemdException(string operation, string? subject, string errorName, string explanation)
        : base(Compose(operation, subject, errorName, explanation))
    {
        Operation = operation;
        Subject = subject;
        ErrorName = errorName;
        Explanation = explanation;
    }

    public string Operation { get; }

    public string? Subject { get; }

    /// <summary>The D-Bus or varlink name, by which callers tell one from another: see <see cref="SystemdError"/>.</summary>
    public string ErrorName { get; }

    public string Explanation { get; }

    private static string Compose(string operation, string? subject, string errorName, string explanation)
    {
        string where = subject is null ? operation : $"{operation} {subject}";
        return explanation.Length == 0 ? $"{where}: {errorName}" : $"{where}: {explanation} ({errorName})";
    }
}
