using Nvwa.Linux;

namespace Nvwa.Update;

/// <summary>A process with all its descendants, as /proc showed them at one moment; the root comes first.</summary>
internal sealed record ProcessTree(IReadOnlyList<ProcessInfo> Members)
{
    public ProcessInfo Root => Members[0];

    /// <summary>Everything a new process of the next kernel must not be numbered: PIDs, TIDs, groups, sessions.</summary>
    public IReadOnlyList<int> Numbers =>
        [.. Members.SelectMany(member => member.Threads.Concat([member.Pid, member.ProcessGroup, member.Session])).Where(number => number > 0).Distinct().Order()];

    /// <returns>Null if the process is gone.</returns>
    public static ProcessTree? Of(int pid)
    {
        ProcessInfo[] members = [.. ProcFs.Tree(pid).Select(ProcFs.Read).OfType<ProcessInfo>()];
        return members is [{ } root, ..] && root.Pid == pid ? new ProcessTree(members) : null;
    }
}
