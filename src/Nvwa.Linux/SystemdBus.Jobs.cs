namespace Nvwa.Linux;

/// <summary>Starting and stopping. A request makes a job, the manager runs it when its order allows.</summary>
public sealed partial class SystemdBus
{
    /// <summary>A job mode: the new job takes the place of one that is in its way. See systemctl(1), --job-mode.</summary>
    public const string Replace = "replace";

    /// <summary>A job mode: no other unit is touched, and none is waited for.</summary>
    public const string IgnoreDependencies = "ignore-dependencies";

    /// <summary>Does not wait for the job.</summary>
    /// <param name="unit">With its suffix.</param>
    /// <param name="mode"><c>replace</c>, <c>fail</c>, <c>ignore-dependencies</c>, ...: see systemctl(1), --job-mode.</param>
    /// <returns>The job's object path.</returns>
    public string Start(string unit, string mode = Replace) => Request("StartUnit", unit, mode);

    /// <inheritdoc cref="Start"/>
    public string Stop(string unit, string mode = Replace) => Request("StopUnit", unit, mode);

    /// <inheritdoc cref="Start"/>
    public string Restart(string unit, string mode = Replace) => Request("RestartUnit", unit, mode);

    /// <summary>
    /// Stops all these units and what requires them, in the order that their dependencies say, and waits for it.
    /// </summary>
    /// <param name="units">With their suffixes. A socket or timer that would start one again must be among them.</param>
    /// <param name="deadline">For all together. When it passes, the jobs go on, and are reported as pending.</param>
    /// <param name="cancellationToken">Ends the wait; the jobs go on.</param>
    /// <returns>One result for each of <paramref name="units"/>, under the name given.</returns>
    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAllAsync(
        IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellationToken) =>
        RunAllAsync("StopUnit", units, Replace, SystemdOrder.ForStop, deadline, cancellationToken);

    /// <summary>Stops these units and no other: what requires or is part of one of them goes on.</summary>
    /// <inheritdoc cref="StopAllAsync"/>
    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StopOnlyAsync(
        IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellationToken) =>
        RunAllAsync("StopUnit", units, IgnoreDependencies, SystemdOrder.ForStop, deadline, cancellationToken);

    /// <summary>The same for starting: these units and what they require.</summary>
    /// <inheritdoc cref="StopAllAsync"/>
    public Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAllAsync(
        IReadOnlyList<string> units, TimeSpan deadline, CancellationToken cancellationToken) =>
        RunAllAsync("StartUnit", units, Replace, SystemdOrder.ForStart, deadline, cancellationToken);

    private string Request(string member, string unit, string mode) =>
        _connection.Call(
            member, unit, message => message.Append(unit).Append(mode), reply => reply.ReadPath());

    private Task<IReadOnlyDictionary<string, SystemdJobResult>> RunAllAsync(
        string member,
        IReadOnlyList<string> units,
        string mode,
        Func<IReadOnlyCollection<string>, IReadOnlyDictionary<string, IReadOnlyList<string>>, IReadOnlyList<string>>
            order,
        TimeSpan deadline,
        CancellationToken cancellationToken)
    {
        Deadline end = new(deadline);
        return Background.RunAsync(() =>
        {
            using SystemdJobs jobs = new(_address);
            return jobs.RunAll(member, units, mode, order, end, cancellationToken);
        });
    }
}
