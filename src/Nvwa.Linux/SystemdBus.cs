namespace Nvwa.Linux;

/// <summary>
/// A client of the service manager, PID 1: org.freedesktop.systemd1(5). It speaks over PID 1's private socket, which is
/// there in early boot and while the bus daemon is stopped, and which only root may use. Thread safe: calls wait for
/// each other, except that waiting for jobs has a connection of its own.
/// </summary>
/// <remarks>
/// Hold it for one piece of work, not for the life of a daemon: PID 1 queues its signals for every connection, and here
/// they are taken off only when a call is made; a connection that it closed is made anew at the next call. Every method
/// throws <see cref="SystemdException"/> if the manager refuses and <see cref="LinuxException"/> if it does not answer. A
/// unit is named with its suffix.
/// </remarks>
public sealed partial class SystemdBus : IDisposable
{
    private const string PrivateAddress = "unix:path=/run/systemd/private";

    /// <summary>Generators and unit files are read again meanwhile, on a loaded host from a slow disk.</summary>
    private static readonly TimeSpan ReloadTimeout = TimeSpan.FromMinutes(3);

    private readonly string _address;
    private readonly SystemdConnection _connection;

    private SystemdBus(string address)
    {
        _address = address;
        _connection = new SystemdConnection(address);
    }

    /// <exception cref="LinuxException">ENOENT or ECONNREFUSED: there is no systemd; EACCES: not root.</exception>
    public static SystemdBus Connect() => Connect(PrivateAddress);

    internal static SystemdBus Connect(string address) => new(address);

    /// <summary>The units that the manager has in memory, among them names that are only referred to.</summary>
    public IReadOnlyList<SystemdUnitStatus> ListUnits() => _connection.Call("ListUnits", null, null, ReadUnits);

    /// <summary>The canonical name, for instance of an alias. Loads the unit; it need not exist: see LoadState.</summary>
    public string GetUnitId(string unit) => GetString(unit, SystemdInterface.Unit, "Id");

    /// <summary>The unit whose control group the process is in.</summary>
    /// <exception cref="SystemdException"><see cref="SystemdError.NoUnitForPid"/>.</exception>
    public string UnitOfProcess(int pid)
    {
        string path = _connection.Call(
            "GetUnitByPID", $"{pid}", message => message.Append((uint)pid), reply => reply.ReadPath());
        return _connection.Get(path, SystemdInterface.Unit, "Id", "s", reply => reply.ReadString());
    }

    /// <summary>
    /// Freezes all processes of the unit and waits until the kernel says that they stand still. The manager holds their
    /// watchdogs meanwhile.
    /// </summary>
    /// <exception cref="SystemdException">
    /// <see cref="SystemdError.UnitInactive"/>, <see cref="SystemdError.UnitBusy"/> while it has a job,
    /// <see cref="SystemdError.NotSupported"/> for kinds without processes and hosts without the unified hierarchy.
    /// </exception>
    /// <exception cref="LinuxException">ETIMEDOUT; the freeze goes on, and a thaw ends it.</exception>
    public void Freeze(string unit, TimeSpan timeout) =>
        _connection.Call("FreezeUnit", unit, message => message.Append(unit), timeout);

    /// <summary>The reverse, as complete. Harmless where nothing is frozen.</summary>
    public void Thaw(string unit, TimeSpan timeout) =>
        _connection.Call("ThawUnit", unit, message => message.Append(unit), timeout);

    /// <summary>Reads all unit files and runs all generators again: daemon-reload. Returns when it is done.</summary>
    public void Reload() => _connection.Call("Reload", null, null, ReloadTimeout);

    public void ResetFailed(string unit) => _connection.Call("ResetFailedUnit", unit, message => message.Append(unit));

    /// <param name="unit">Must be loaded.</param>
    /// <param name="whom"><c>main</c>, <c>control</c> or <c>all</c>.</param>
    /// <param name="signal">A number: see signal(7).</param>
    public void KillUnit(string unit, string whom, int signal) =>
        _connection.Call("KillUnit", unit, message => message.Append(unit).Append(whom).Append(signal));

    /// <summary>Moves processes into the unit's control group.</summary>
    /// <param name="unit">A scope or service that is active and has Delegate=.</param>
    /// <param name="subgroup">A path below the unit's group, from a slash on; empty for the group itself.</param>
    /// <param name="pids">In the manager's own PID namespace.</param>
    public void AttachProcesses(string unit, string subgroup, IReadOnlyList<int> pids) =>
        _connection.Call(
            "AttachProcessesToUnit",
            unit,
            message => message.Append(unit).Append(subgroup).AppendArray(pids));

    public void Dispose() => _connection.Dispose();

    /// <summary>a(ssssssouso): after the object path come "following" before it and the queued job behind it.</summary>
    private static List<SystemdUnitStatus> ReadUnits(LibSystemd.Message reply)
    {
        List<SystemdUnitStatus> units = [];
        reply.Enter('a', "(ssssssouso)");
        while (reply.Enter('r', "ssssssouso"))
        {
            units.Add(ReadUnit(reply));
            reply.Exit();
        }

        reply.Exit();
        return units;
    }

    private static SystemdUnitStatus ReadUnit(LibSystemd.Message reply)
    {
        string name = reply.ReadString();
        string description = reply.ReadString();
        string loadState = reply.ReadString();
        string activeState = reply.ReadString();
        string subState = reply.ReadString();
        reply.ReadString();
        string path = reply.ReadPath();
        reply.ReadUInt32();
        reply.ReadString();
        reply.ReadPath();
        return new SystemdUnitStatus(name, description, loadState, activeState, subState, path);
    }
}
