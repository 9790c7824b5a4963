namespace Nvwa.Linux;

/// <summary>
/// One sd-bus connection to a service manager's private socket, with the lock that sd-bus needs. The manager sends its
/// signals to every such connection, asked or not, so what has come in is taken off before each call.
/// </summary>
internal sealed class SystemdConnection : IDisposable
{
    public const string ManagerPath = "/org/freedesktop/systemd1";
    public const string ManagerInterface = "org.freedesktop.systemd1.Manager";

    /// <summary>D-Bus's own default. The manager answers in milliseconds, unless it is hung.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(25);

    private const string Destination = "org.freedesktop.systemd1";
    private const string PropertiesInterface = "org.freedesktop.DBus.Properties";

    private readonly string _address;
    private readonly Lock _lock = new();
    private readonly Action<LibSystemd.Message>? _signal;
    private LibSystemd.Bus _bus;

    /// <param name="address">In D-Bus's notation: <c>unix:path=...</c></param>
    /// <param name="signal">Gets every signal, with the lock held; null to drop them.</param>
    public SystemdConnection(string address, Action<LibSystemd.Message>? signal = null)
    {
        _address = address;
        _bus = LibSystemd.Bus.Connect(address);
        _signal = signal;
    }

    public void Call(string member, string? subject, Action<LibSystemd.Message>? write, TimeSpan? timeout = null) =>
        Call(member, subject, write, reply => reply.IsInvalid, timeout);

    /// <summary>A method of the manager object.</summary>
    public T Call<T>(
        string member,
        string? subject,
        Action<LibSystemd.Message>? write,
        Func<LibSystemd.Message, T> read,
        TimeSpan? timeout = null) =>
        Call(ManagerPath, ManagerInterface, member, subject, write, read, timeout ?? CallTimeout);

    /// <param name="path">The object.</param>
    /// <param name="contract">The interface.</param>
    /// <param name="property">Its name.</param>
    /// <param name="signature">The type it must have; with another one, ENXIO.</param>
    /// <param name="read">Reads a value of that type.</param>
    public T Get<T>(
        string path, string contract, string property, string signature, Func<LibSystemd.Message, T> read) =>
        Call(
            path,
            PropertiesInterface,
            "Get",
            $"{contract}.{property} of {path}",
            message => message.Append(contract).Append(property),
            reply =>
            {
                reply.Enter('v', signature);
                return read(reply);
            },
            CallTimeout);

    /// <summary>All properties of one interface in one round trip.</summary>
    /// <param name="path">The object.</param>
    /// <param name="contract">The interface.</param>
    /// <param name="take">Gets each name, and must read the variant that follows it, or skip it.</param>
    public void GetAll(string path, string contract, Action<string, LibSystemd.Message> take) =>
        Call(
            path,
            PropertiesInterface,
            "GetAll",
            $"{contract} of {path}",
            message => message.Append(contract),
            reply =>
            {
                reply.Enter('a', "{sv}");
                while (reply.Enter('e', "sv"))
                {
                    take(reply.ReadString(), reply);
                    reply.Exit();
                }

                reply.Exit();
                return true;
            },
            CallTimeout);

    /// <summary>Reads and hands on what has come in; does not wait.</summary>
    public void Dispatch()
    {
        lock (_lock)
        {
            DispatchLocked();
        }
    }

    /// <summary>Waits for something to dispatch: false if the deadline came first.</summary>
    public bool Wait(Deadline deadline, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _bus.Wait(deadline, cancellationToken);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _bus.Dispose();
        }
    }

    private T Call<T>(
        string path,
        string contract,
        string member,
        string? subject,
        Action<LibSystemd.Message>? write,
        Func<LibSystemd.Message, T> read,
        TimeSpan timeout)
    {
        lock (_lock)
        {
            CatchUp();
            using LibSystemd.Message request = _bus.NewCall(Destination, path, contract, member);
            write?.Invoke(request);
            using LibSystemd.Message reply = _bus.Call(request, timeout, member, subject);
            return read(reply);
        }
    }

    /// <summary>
    /// The manager closes a connection that was not read for too long, and all of them when it executes itself anew. Nothing
    /// was asked on it yet; but what somebody waits for on it would be missed on a new one.
    /// </summary>
    private void CatchUp()
    {
        try
        {
            DispatchLocked();
        }
        catch (LinuxException lost) when (_signal is null && lost.Errno is Errno.ECONNRESET or Errno.ENOTCONN or Errno.EPIPE)
        {
            // While the manager is away this throws, and the next call tries again.
            var renewed = LibSystemd.Bus.Connect(_address);
            _bus.Dispose();
            _bus = renewed;
        }
    }

    private void DispatchLocked()
    {
        while (_bus.Process(_signal))
        {
        }
    }
}
