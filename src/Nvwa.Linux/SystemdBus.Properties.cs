namespace Nvwa.Linux;

/// <summary>
/// Properties. Asking for a unit's property loads the unit. A property of another type than the method's is an ENXIO; one
/// that does not exist is <see cref="SystemdError.UnknownProperty"/>.
/// </summary>
public sealed partial class SystemdBus
{
    /// <summary>What follows a command's path: its arguments, and how it ran last.</summary>
    private const string OfCommand = "asbttttuii";

    /// <summary>systemd's own version, for example <c>257.13-1~deb13u1</c>. For people: features are probed.</summary>
    public string Version => GetManager("Version", "s", reply => reply.ReadString());

    /// <param name="unit">With its suffix.</param>
    /// <param name="contract">One of <see cref="SystemdInterface"/>.</param>
    /// <param name="property">See org.freedesktop.systemd1(5).</param>
    public string GetString(string unit, string contract, string property) =>
        Get(unit, contract, property, "s", reply => reply.ReadString());

    /// <inheritdoc cref="GetString"/>
    public IReadOnlyList<string> GetStrings(string unit, string contract, string property) =>
        Get(unit, contract, property, "as", reply => reply.ReadStrings());

    /// <summary>The paths of the programs that a service's start runs (ExecStart=).</summary>
    public IReadOnlyList<string> GetPrograms(string unit) => Get(unit, SystemdInterface.Service, "ExecStart", $"a(s{OfCommand})", reply =>
    {
        var programs = new List<string>();
        reply.Enter('a', $"(s{OfCommand})");
        while (reply.Enter('r', $"s{OfCommand}"))
        {
            programs.Add(reply.ReadString());
            reply.Skip(OfCommand);
            reply.Exit();
        }

        reply.Exit();
        return programs;
    });

    /// <summary>Several properties of the kind "list of texts" and "yes or no" in one round trip, where each would cost one.</summary>
    /// <param name="unit">With its suffix.</param>
    /// <param name="contract">One of <see cref="SystemdInterface"/>.</param>
    /// <param name="lists">Names; a property that this manager does not have is left out of the result.</param>
    /// <param name="flags">Likewise.</param>
    public SystemdProperties GetMany(string unit, string contract, IReadOnlySet<string> lists, IReadOnlySet<string> flags)
    {
        Dictionary<string, IReadOnlyList<string>> texts = [];
        HashSet<string> set = [];
        _connection.GetAll(SystemdPath.OfUnit(unit), contract, (name, reply) =>
        {
            if (lists.Contains(name))
            {
                reply.Enter('v', "as");
                texts[name] = reply.ReadStrings();
                reply.Exit();
            }
            else if (flags.Contains(name))
            {
                reply.Enter('v', "b");
                _ = reply.ReadBool() && set.Add(name);
                reply.Exit();
            }
            else
            {
                reply.Skip("v");
            }
        });
        return new SystemdProperties(texts, set);
    }

    /// <inheritdoc cref="GetString"/>
    public uint GetUInt32(string unit, string contract, string property) =>
        Get(unit, contract, property, "u", reply => reply.ReadUInt32());

    /// <inheritdoc cref="GetString"/>
    public ulong GetUInt64(string unit, string contract, string property) =>
        Get(unit, contract, property, "t", reply => reply.ReadUInt64());

    /// <inheritdoc cref="GetString"/>
    public bool GetBool(string unit, string contract, string property) =>
        Get(unit, contract, property, "b", reply => reply.ReadBool());

    /// <summary>The path below the root of the hierarchy, from a slash on. Null if the unit has no group now.</summary>
    public string? ControlGroup(string unit)
    {
        string? contract = SystemdInterface.WithProcesses(GetUnitId(unit));
        string group = contract is null ? "" : GetString(unit, contract, "ControlGroup");
        return group.Length == 0 ? null : group;
    }

    public SystemdTimestamps ManagerTimestamps() => new(
        Timestamp("Kernel"),
        Timestamp("InitRD"),
        Timestamp("Userspace"),
        Timestamp("GeneratorsStart"),
        Timestamp("GeneratorsFinish"),
        Timestamp("UnitsLoadStart"),
        Timestamp("UnitsLoadFinish"),
        Timestamp("Finish"));

    private ulong Timestamp(string stage) =>
        GetManager($"{stage}TimestampMonotonic", "t", reply => reply.ReadUInt64());

    private T GetManager<T>(string property, string signature, Func<LibSystemd.Message, T> read) =>
        _connection.Get(
            SystemdConnection.ManagerPath, SystemdConnection.ManagerInterface, property, signature, read);

    private T Get<T>(
        string unit, string contract, string property, string signature, Func<LibSystemd.Message, T> read) =>
        _connection.Get(SystemdPath.OfUnit(unit), contract, property, signature, read);
}
