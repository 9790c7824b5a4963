namespace Nvwa.Linux;

/// <summary>How a job ended that was asked for.</summary>
/// <param name="Result">
/// systemd's word: <c>done</c>, <c>failed</c>, <c>timeout</c>, <c>canceled</c>, <c>dependency</c>, <c>skipped</c> and
/// rarer ones; or <see cref="Pending"/>, or <see cref="Refused"/>.
/// </param>
/// <param name="ErrorName">Only if it was refused: see <see cref="SystemdError"/>.</param>
/// <param name="Detail">Only if it was refused: why, in the manager's words.</param>
public sealed record SystemdJobResult(string Result, string? ErrorName = null, string? Detail = null)
{
    public const string Done = "done";

    /// <summary>The job had not ended at the deadline. It is still in the manager's queue, or running.</summary>
    public const string Pending = "pending";

    /// <summary>No job was made: no such unit, masked, not to be stopped by hand, ...</summary>
    public const string Refused = "refused";

    public bool IsDone => Result == Done;
}
