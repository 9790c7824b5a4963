using Nvwa.Linux;

namespace Nvwa.Update;

/// <summary>All processes of the host, as /proc showed them in one pass.</summary>
internal sealed class ProcessTable
{
    private readonly Dictionary<int, ProcessInfo> _processes;
    private readonly ILookup<int, ProcessInfo> _children;

    private ProcessTable(IEnumerable<ProcessInfo> processes)
    {
        _processes = processes.ToDictionary(process => process.Pid);
        _children = _processes.Values.ToLookup(process => process.ParentPid);
    }

    public IReadOnlyCollection<ProcessInfo> All => _processes.Values;

    public static ProcessTable Read() => new(ProcFs.Pids().Select(ProcFs.Read).OfType<ProcessInfo>());

    public ProcessInfo? Find(int pid) => _processes.GetValueOrDefault(pid);

    /// <returns>Null if there was no such process.</returns>
    public ProcessTree? Tree(int pid)
    {
        if (Find(pid) is not { } root)
        {
            return null;
        }

        List<ProcessInfo> members = [root];
        for (int next = 0; next < members.Count; next++)
        {
            members.AddRange(_children[members[next].Pid]);
        }

        return new ProcessTree(members);
    }
}
