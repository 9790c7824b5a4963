using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>A QEMU that runs, with the conversation with it and what it said of itself and its machine.</summary>
public sealed class QemuInstance : IAsyncDisposable
{
    private const string TapDevice = "/dev/net/tun";

    /// <summary>Of what is known already; see <see cref="ConnectAsync"/>.</summary>
    public QemuInstance(QmpClient qmp, int pid, QemuCommandLine commandLine, QemuFeatures features, MachineFacts facts)
    {
        Qmp = qmp;
        Pid = pid;
        CommandLine = commandLine;
        Features = features;
        Facts = facts;
    }

    public QmpClient Qmp { get; }

    public int Pid { get; }

    /// <summary>Whose it was when it made its QMP socket.</summary>
    public uint User { get; private init; }

    /// <summary>Whose it is.</summary>
    public uint ProcessUser { get; private init; }

    public QemuCommandLine CommandLine { get; }

    /// <summary>Whether it has an interface of the host that only one QEMU at a time can have; it may have been plugged in later.</summary>
    public bool HasTap { get; private init; }

    /// <summary>Ports of the network at which it listens, as for VNC: only one QEMU at a time can.</summary>
    public IReadOnlyList<string> Ports =>
        [.. SocketTable.Read(Pid).Inet.Where(socket => socket.State == InetSocketState.Listen && Owns(socket.Inode)).Select(socket => $"{socket.Local}")];

    /// <summary>Paths of local sockets at which it listens. Another QEMU takes them from it.</summary>
    public IReadOnlyList<string> SocketPaths =>
        [.. SocketTable.Read(Pid).Unix.Where(socket => socket.State == UnixSocketState.Listen && Owns(socket.Inode)).Select(socket => socket.Path).OfType<string>().Where(File.Exists)];

    public QemuFeatures Features { get; }

    /// <summary>As they were when this conversation began.</summary>
    public MachineFacts Facts { get; }

    /// <exception cref="TimeoutException">Nobody answers. QMP has one client at a time: another one may hold it.</exception>
    /// <exception cref="QmpTransportException">The conversation ended, or a reply was not understood.</exception>
    /// <exception cref="QmpException">QEMU refused a question.</exception>
    public static async Task<QemuInstance> ConnectAsync(string socketPath, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        QmpClient qmp = await QmpClient.ConnectAsync(socketPath, timeout, cancellationToken: cancellationToken);
        try
        {
            int pid = qmp.PeerPid;
            return CommandLineOf(pid) is { } commandLine
                ? new QemuInstance(
                    qmp, pid, commandLine, await QemuFeatures.ReadAsync(qmp, cancellationToken), await MachineFacts.ReadAsync(qmp, cancellationToken))
                {
                    User = qmp.PeerUser,
                    ProcessUser = ProcFs.Read(pid)?.Uid ?? qmp.PeerUser,
                    HasTap = commandLine.HasTap || ProcFs.DescriptorTargets(pid).Contains(TapDevice),
                }
                : throw new QmpTransportException(socketPath, $"process {pid}, which made it, is gone");
        }
        catch
        {
            await qmp.DisposeAsync();
            throw;
        }
    }

    /// <summary>Of a process, with the program's path in full; null if it is gone.</summary>
    public static QemuCommandLine? CommandLineOf(int pid)
    {
        const string Deleted = " (deleted)";
        IReadOnlyList<string> arguments = ProcFs.Arguments(pid);
        if (arguments.Count == 0 || ProcFs.Read(pid)?.Exe is not { } exe)
        {
            return null;
        }

        // After an upgrade of its package another one stands there, which is meant. What a process calls itself is its own affair:
        // only where nobody but root could have put it, it is taken for the program.
        string path = exe.EndsWith(Deleted, StringComparison.Ordinal) ? exe[..^Deleted.Length] : exe;
        bool isProgram = arguments[0].StartsWith('/') && File.Exists(arguments[0]) && TrustedProgram.Problem(arguments[0]) is null;
        return new QemuCommandLine([isProgram ? arguments[0] : path, .. arguments.Skip(1)]);
    }

    public ValueTask DisposeAsync() => Qmp.DisposeAsync();

    private bool Owns(long socket) => ProcFs.DescriptorTargets(Pid).Contains($"socket:[{socket}]");
}
