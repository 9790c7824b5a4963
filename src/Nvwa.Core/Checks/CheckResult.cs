namespace Nvwa.Core.Checks;

/// <summary>What a check found. Ordered by gravity.</summary>
public enum Verdict
{
    /// <summary>Nothing was established; zero means nothing.</summary>
    None = 0,
    Pass = 1,

    /// <summary>Could not be found out; the update goes on.</summary>
    Unknown = 2,

    /// <summary>The update goes on, but the operator should know.</summary>
    Warn = 3,

    /// <summary>The update does not start.</summary>
    Refuse = 4,

    /// <summary>The request itself is wrong, as an unknown kernel version: usage, not state.</summary>
    Invalid = 5,
}

/// <summary>One answer of a check.</summary>
/// <param name="Check">A short stable name, as <c>kernel.image</c>.</param>
/// <param name="Subject">What was looked at: a path, a unit, a PID.</param>
/// <param name="Verdict">The finding.</param>
/// <param name="Reason">One sentence: what is so.</param>
/// <param name="Remedy">What the operator can do; null for <see cref="Verdict.Pass"/>.</param>
public sealed record CheckResult(string Check, string Subject, Verdict Verdict, string Reason, string? Remedy = null)
{
    public static CheckResult Pass(string check, string subject, string reason) => new(check, subject, Verdict.Pass, reason);

    public static CheckResult Warn(string check, string subject, string reason, string? remedy = null) =>
        new(check, subject, Verdict.Warn, reason, remedy);

    public static CheckResult Refuse(string check, string subject, string reason, string remedy) =>
        new(check, subject, Verdict.Refuse, reason, remedy);

    public static CheckResult Unknown(string check, string subject, string reason, string? remedy = null) =>
        new(check, subject, Verdict.Unknown, reason, remedy);

    public static CheckResult Invalid(string check, string subject, string reason, string remedy) =>
        new(check, subject, Verdict.Invalid, reason, remedy);

    public override string ToString() => Remedy is null ? $"{Subject}: {Reason}" : $"{Subject}: {Reason}; {Remedy}";
}
