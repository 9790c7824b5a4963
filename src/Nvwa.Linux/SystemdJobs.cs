namespace Nvwa.Linux;

/// <summary>
/// Asks for jobs and hears of their ends, on a connection of its own. The signal JobRemoved is recorded from before the
/// first request on, by the job's path, which is never used twice: it does not matter which comes first, the reply that
/// names the job or the signal that ends it.
/// </summary>
internal sealed class SystemdJobs : IDisposable
{
    private readonly SystemdConnection _connection;
    private readonly Dictionary<string, string> _ended = [];

    public SystemdJobs(string address)
    {
        _connection = new SystemdConnection(address, Record);
        try
        {
            _connection.Call("Subscribe", null, null);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Calls a method that returns a job, and returns the job's path.</summary>
    public string Request(string member, string unit, Action<LibSystemd.Message> write) =>
        _connection.Call(member, unit, write, reply => reply.ReadPath());

    /// <summary>
    /// Asks for the same job of many units, in an order that lets the manager order the jobs, then waits for them all.
    /// </summary>
    /// <param name="member"><c>StartUnit</c>, <c>StopUnit</c>.</param>
    /// <param name="units">Any of their names.</param>
    /// <param name="mode">Of each job.</param>
    /// <param name="order">From <see cref="SystemdOrder"/>.</param>
    /// <param name="deadline">For all together.</param>
    /// <param name="cancellationToken">Ends the wait; jobs that were made stay.</param>
    /// <returns>One result for each of <paramref name="units"/>.</returns>
    public IReadOnlyDictionary<string, SystemdJobResult> RunAll(
        string member,
        IReadOnlyCollection<string> units,
        string mode,
        Func<IReadOnlyCollection<string>, IReadOnlyDictionary<string, IReadOnlyList<string>>, IReadOnlyList<string>>
            order,
        Deadline deadline,
        CancellationToken cancellationToken)
    {
        Dictionary<string, SystemdJobResult> results = [];
        Dictionary<string, string> jobs = [];
        ILookup<string, string> names = Canonical(units, results);
        foreach (string name in order([.. names.Select(group => group.Key)], After(names)).SelectMany(id => names[id]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Attempt(results, name, () =>
                jobs[name] = Request(member, name, message => message.Append(name).Append(mode)));
        }

        WaitForAll(jobs.Values, deadline, cancellationToken);
        foreach ((string name, string job) in jobs)
        {
            results[name] = new SystemdJobResult(Result(job) ?? SystemdJobResult.Pending);
        }

        return results;
    }

    /// <summary>Returns when all have ended, or at the deadline.</summary>
    public void WaitForAll(
        IReadOnlyCollection<string> jobs, Deadline deadline, CancellationToken cancellationToken)
    {
        _connection.Dispatch();
        while (!jobs.All(_ended.ContainsKey) && _connection.Wait(deadline, cancellationToken))
        {
            _connection.Dispatch();
        }
    }

    /// <summary>Null as long as the end has not been heard of.</summary>
    public string? Result(string job) => _ended.GetValueOrDefault(job);

    public void Dispose() => _connection.Dispose();

    /// <summary>The given names, by the canonical one, and in the order given.</summary>
    private ILookup<string, string> Canonical(
        IEnumerable<string> units, Dictionary<string, SystemdJobResult> results)
    {
        List<(string Id, string Name)> pairs = [];
        foreach (string name in units.Distinct())
        {
            Attempt(results, name, () => pairs.Add((Get(name, "Id", "s", reply => reply.ReadString()), name)));
        }

        return pairs.ToLookup(pair => pair.Id, pair => pair.Name);
    }

    private Dictionary<string, IReadOnlyList<string>> After(ILookup<string, string> names) =>
        names.ToDictionary(
            group => group.Key,
            group => Get(group.Key, "After", "as", reply => reply.ReadStrings()));

    private T Get<T>(string unit, string property, string signature, Func<LibSystemd.Message, T> read) =>
        _connection.Get(SystemdPath.OfUnit(unit), SystemdInterface.Unit, property, signature, read);

    /// <summary>One unit that is refused does not keep the others from being asked for: it is one of the results.</summary>
    private static void Attempt(Dictionary<string, SystemdJobResult> results, string name, Action request)
    {
        try
        {
            request();
        }
        catch (SystemdException refusal)
        {
            results[name] = new SystemdJobResult(SystemdJobResult.Refused, refusal.ErrorName, refusal.Explanation);
        }
    }

    /// <summary>JobRemoved: id (u), job (o), unit (s), result (s).</summary>
    private void Record(LibSystemd.Message message)
    {
        if (message.IsSignal(SystemdConnection.ManagerInterface, "JobRemoved"))
        {
            message.ReadUInt32();
            string job = message.ReadPath();
            message.ReadString();
            _ended[job] = message.ReadString();
        }
    }
}
