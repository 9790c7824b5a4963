namespace Nvwa.Linux;

/// <summary>
/// Keeps packets of kept connections and ports from getting through, silently, so that peers retransmit and see no
/// reset. Each table belongs to this object's netlink socket (the owner flag, Linux 5.12): nobody else can change or
/// flush it, and it goes when this object, or its process, goes.
/// </summary>
public sealed class PacketLock : IDisposable
{
    private readonly LibNftables.NftContext _context;
    private readonly Lock _lock = new();

    private PacketLock(LibNftables.NftContext context) => _context = context;

    /// <summary>Opens the socket, in the network namespace of the calling thread.</summary>
    /// <exception cref="DllNotFoundException">libnftables is not installed.</exception>
    public static PacketLock Open() => new(LibNftables.Open());

    /// <summary>
    /// From now on these packets are dropped, loopback included, and in one step instead of those before.
    /// </summary>
    /// <param name="table">Letters, digits and underscores; in the family inet.</param>
    /// <param name="endpoints">None is a table that drops nothing.</param>
    /// <exception cref="LinuxException">nft refused, with its message: EPERM if another process owns a table of this
    /// name, EINVAL or EOPNOTSUPP if the kernel does not know owners.</exception>
    public void Hold(string table, IReadOnlyList<LockedEndpoint> endpoints) =>
        Run(table, PacketLockRules.Hold(table, endpoints));

    /// <summary>The same for new TCP connections to these endpoints only: what is connected, or connecting, goes on.</summary>
    /// <inheritdoc cref="Hold"/>
    public void HoldNewcomers(string table, IReadOnlyList<LockedEndpoint> endpoints) =>
        Run(table, PacketLockRules.HoldNewcomers(table, endpoints));

    /// <summary>Lets them through again; that there is no such table is no error.</summary>
    /// <exception cref="LinuxException">nft refused.</exception>
    public void Release(string table) => Run(table, PacketLockRules.Release(table));

    /// <summary>Closes the socket, and with it go the tables.</summary>
    public void Dispose() => _context.Dispose();

    private void Run(string table, string commands)
    {
        lock (_lock)
        {
            if (LibNftables.Run(_context, commands) is { } message)
            {
                string firstLine = message.Split('\n', 2)[0];
                throw new LinuxException("nft", $"table inet {table}", Errno.FromMessage(firstLine), firstLine);
            }
        }
    }
}
