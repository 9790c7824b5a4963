namespace Nvwa.Criu;

/// <summary>
/// A script handler failed and CRIU went on all the same: the request succeeded. Happens at moments whose answer CRIU
/// does not look at (<see cref="CriuScript.PreResume"/>, <see cref="CriuScript.PostResume"/>,
/// <see cref="CriuScript.NetworkUnlock"/>). The handler's exception is the inner one.
/// </summary>
public sealed class CriuScriptException : Exception
{
    public CriuScriptException(CriuOperation operation, CriuScript script, int? pid, Exception innerException)
        : base($"the handler of {script} failed, and CRIU finished {operation} regardless", innerException)
    {
        Operation = operation;
        Script = script;
        Pid = pid;
    }

    public CriuOperation Operation { get; }

    public CriuScript Script { get; }

    /// <summary>Gets the root process that was restored and runs, null for a dump.</summary>
    public int? Pid { get; }
}
