using Nvwa.Qemu;

namespace Nvwa.Lab.Machines;

/// <summary>
/// A virtual machine on this host itself whose guest notices what it loses: it counts in each page of its memory and says so
/// on its serial port (lab/workloads/counter.S). The machine outlives the QEMU that this starts: whoever updates it may start
/// another one from <see cref="Program"/> and <see cref="Arguments"/>, or from what /proc says. They all write into one log.
/// </summary>
public sealed class CountingMachine : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CountTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly GuestDirectory _directory;
    private readonly QemuProcess _qemu;
    private bool _isDisposed;

    private CountingMachine(GuestDirectory directory, QemuProcess qemu, string program, IReadOnlyList<string> arguments)
    {
        _directory = directory;
        _qemu = qemu;
        Program = program;
        Arguments = arguments;
    }

    /// <summary>The machine's place on the host, removed with it: a test's own files may lie there, too.</summary>
    public string Directory => _directory.FullName;

    /// <summary>The QEMU that this started.</summary>
    public string Program { get; }

    /// <summary>Without the program itself.</summary>
    public IReadOnlyList<string> Arguments { get; }

    /// <summary>Of the QEMU that this started.</summary>
    public int Pid => _qemu.Pid;

    /// <summary>The exit code of the QEMU that this started, when it has ended.</summary>
    public Task<int> Ended => _qemu.Ended;

    /// <summary>Takes one client at a time. The same path for all QEMUs of the machine.</summary>
    public string QmpSocketPath => _directory.QmpSocket;

    /// <summary>The host's end of the guest agent's port, where the guest is a Linux.</summary>
    public string AgentSocketPath => _directory.AgentSocket;

    /// <summary>What the guest has said, through all QEMUs.</summary>
    public string SerialLogPath => _directory.SerialLog;

    /// <summary>What the QEMU that this started has said.</summary>
    public string QemuLogPath => _directory.QemuLog;

    /// <summary>Returns when QEMU answers; the guest boots meanwhile.</summary>
    /// <exception cref="LabException">QEMU ended; the message has its last words.</exception>
    public static async Task<CountingMachine> StartAsync(
        LabQemus qemus, CountingMachineOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qemus);
        options ??= new CountingMachineOptions();
        // What a run that was killed has left would count for ever.
        await MachineProcesses.KillAsync(LabName.IsStale);
        CountingMachine machine = await SpawnAsync(qemus, options);
        try
        {
            QmpClient qmp = await machine._qemu.WhileAliveAsync(machine.ConnectAsync, cancellationToken);
            await qmp.DisposeAsync();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>A conversation with the QEMU that has the machine now. Nobody else gets one until it is disposed.</summary>
    public Task<QmpClient> ConnectAsync(CancellationToken cancellationToken = default) =>
        QmpClient.ConnectAsync(QmpSocketPath, ConnectTimeout, cancellationToken: cancellationToken);

    /// <summary>All QEMUs of this machine, whoever started them.</summary>
    public IReadOnlyList<int> Processes() => MachineProcesses.Find(IsThisMachine);

    /// <summary>The guest started once and has not lost anything since.</summary>
    /// <returns>The last count.</returns>
    /// <exception cref="LabException">It has, or has not started; the message says what.</exception>
    public async Task<int> VerifyAsync(CancellationToken cancellationToken = default) =>
        await ReadCountAsync(cancellationToken) ?? throw new LabException("the guest has not started");

    /// <summary>Waits until the guest has counted on from where it is now, as <see cref="VerifyAsync"/> all the while.</summary>
    /// <param name="more">How many times; it counts up to 18 times a second.</param>
    /// <param name="timeout">20 s unless told.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The last count.</returns>
    /// <exception cref="LabException">It lost something, or does not go on.</exception>
    public async Task<int> WaitForCountsAsync(int more = 3, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        TimeSpan patience = timeout ?? CountTimeout;
        int first = await ReadCountAsync(cancellationToken) ?? 0;
        int last = first;
        long begin = TimeProvider.System.GetTimestamp();
        while (last - first < more)
        {
            if (TimeProvider.System.GetElapsedTime(begin) > patience)
            {
                throw new LabException($"the guest stands at count {last}, {patience.TotalSeconds:0.#} s after {first}");
            }

            await Task.Delay(Poll, TimeProvider.System, cancellationToken);
            last = await ReadCountAsync(cancellationToken) ?? 0;
        }

        return last;
    }

    /// <summary>Kills the QEMU that this started, as a power cut would.</summary>
    public Task KillAsync() => _qemu.KillAsync();

    /// <summary>Ends the machine, all QEMUs of it, and removes what it has on the host.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _qemu.DisposeAsync();
        await MachineProcesses.KillAsync(IsThisMachine);
        _directory.Dispose();
    }

    private static async Task<CountingMachine> SpawnAsync(LabQemus qemus, CountingMachineOptions options)
    {
        var directory = GuestDirectory.Create();
        try
        {
            string program = qemus.Program(options.Version);
            string[] arguments = CountingCommandLine.Arguments(
                options, Boot(options, qemus, directory), directory.SerialLog, directory.QmpSocket);
            QemuProcess qemu = await QemuProcess.StartSilentAsync(options.Network, program, arguments, directory.QemuLog);
            return new CountingMachine(directory, qemu, program, arguments);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    private static string[] Boot(CountingMachineOptions options, LabQemus qemus, GuestDirectory directory)
    {
        if (options.Linux is not { } linux)
        {
            return CountingCommandLine.Floppy(qemus.CountingFloppy);
        }

        string path = Path.Combine(directory.FullName, "disk.raw");
        using FileStream disk = File.Create(path);
        disk.SetLength(LabLinux.DiskBytes);
        return linux.Arguments(directory.AgentSocket, path, hasNetwork: options.Network is not null);
    }

    private bool IsThisMachine(string name) => name == Path.GetFileName(Directory);

    private async Task<int?> ReadCountAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(SerialLogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return CountingLog.Read(await reader.ReadToEndAsync(cancellationToken));
    }
}
