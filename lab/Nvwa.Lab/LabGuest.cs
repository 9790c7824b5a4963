using Nvwa.Qemu;

namespace Nvwa.Lab;

/// <summary>
/// A virtual machine with a Debian in it, its network and what it has on the host. It outlives single lives of its QEMU:
/// <code>
///            StartAsync             PowerCutAsync, ShutDownAsync, SnapshotAsync
/// (nothing) ============> [running] ===========================================> [off]
///                             ^                                                    |
///                             +====================================================+
///                                                 PowerOnAsync
/// </code>
/// Disk, network and capture are the same in all lives.
/// </summary>
public sealed partial class LabGuest : IAsyncDisposable
{
    private static readonly TimeSpan ShutDownTimeout = TimeSpan.FromMinutes(3);

    private readonly LabImage _image;
    private readonly GuestDirectory _directory;
    private readonly GuestDisk _disk;
    private readonly GuestAgentClient _agent;
    private LabGuestOptions _options;
    private QemuProcess? _qemu;
    private bool _isDisposed;

    private LabGuest(
        LabImage image, LabGuestOptions options, GuestDirectory directory, GuestDisk disk, LabNetwork network, Capture capture)
    {
        _image = image;
        _options = options;
        _directory = directory;
        _disk = disk;
        Network = network;
        Capture = capture;
        _agent = new GuestAgentClient(directory.AgentSocket);
    }

    public string Name => _options.Name;

    public LabNetwork Network { get; }

    /// <summary>Everything that passed the guest's cable since it was made.</summary>
    public Capture Capture { get; }

    /// <summary>The serial console of all boots so far.</summary>
    public string SerialLogPath => _directory.SerialLog;

    /// <summary>A unix socket: the serial console, with a root shell on it.</summary>
    public string ConsoleSocketPath => _directory.ConsoleSocket;

    public bool IsOn => _qemu is { Ended.IsCompleted: false };

    public int QemuPid => On.Pid;

    /// <summary>For what the lab has no method for.</summary>
    public QmpClient Qmp => On.Qmp;

    private QemuProcess On => _qemu ?? throw new InvalidOperationException($"{Name} is off");

    /// <summary>Makes a guest and begins its boot; wait for the agent before anything else.</summary>
    public static async Task<LabGuest> StartAsync(
        LabImage image, LabGuestOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        LabGuest guest = await CreateAsync(
            image, options ?? new LabGuestOptions(), image.Disk, filesTar: null, cancellationToken);
        return await guest.OrDisposedAsync(async () =>
        {
            await guest._directory.WriteFilesAsync(guest._options.Files, cancellationToken);
            await guest.PowerOnAsync(cancellationToken: cancellationToken);
        });
    }

    /// <summary>
    /// Power off without a word: QEMU is killed. The next power-on finds the disk as of the guest's last flush: what it had
    /// written since then is gone.
    /// </summary>
    public async Task PowerCutAsync()
    {
        await On.KillAsync();
        await SwitchedOffAsync();
    }

    /// <summary>Shuts the guest down in order.</summary>
    public async Task ShutDownAsync(CancellationToken cancellationToken = default)
    {
        await _agent.ShutdownAsync(GuestShutdown.PowerOff, cancellationToken);
        _ = await On.Ended.WaitAsync(ShutDownTimeout, cancellationToken);
        await SwitchedOffAsync();
    }

    /// <summary>Boots through the firmware, into the kernel given or the one of the boot before.</summary>
    public async Task PowerOnAsync(LabKernel kernel = LabKernel.None, CancellationToken cancellationToken = default)
    {
        if (_qemu is not null)
        {
            throw new InvalidOperationException($"{Name} is on");
        }

        _options = kernel == LabKernel.None ? _options : _options with { Kernel = kernel };
        await StartQemuAsync(isIncoming: false, cancellationToken);
    }

    /// <summary>The serial console of all boots so far. Bytes that are not text become question marks.</summary>
    public async Task<string> ReadSerialLogAsync(CancellationToken cancellationToken = default)
    {
        await using var file = new FileStream(_directory.SerialLog, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>Ends the guest and removes all that it has on the host.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await EndQemuAsync();
        _agent.Dispose();
        await Capture.DisposeAsync();
        await Network.DisposeAsync();
        _directory.Dispose();
    }

    private static async Task<LabGuest> CreateAsync(
        LabImage image, LabGuestOptions options, string backingDisk, string? filesTar, CancellationToken cancellationToken)
    {
        var directory = GuestDirectory.Create();
        LabNetwork? network = null;
        try
        {
            GuestDisk disk = await GuestDisk.CreateAsync(image, directory.FullName, backingDisk, cancellationToken);
            if (filesTar is not null)
            {
                File.CreateSymbolicLink(directory.Files, filesTar);
            }

            network = await LabNetwork.CreateAsync(cancellationToken);
            Capture capture = await Capture.StartAsync(image, network, directory.Pcap, cancellationToken);
            return new LabGuest(image, options, directory, disk, network, capture);
        }
        catch
        {
            if (network is not null)
            {
                await network.DisposeAsync();
            }

            directory.Dispose();
            throw;
        }
    }

    private async Task<LabGuest> OrDisposedAsync(Func<Task> start)
    {
        try
        {
            await start();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task StartQemuAsync(bool isIncoming, CancellationToken cancellationToken)
    {
        string disk = await _disk.OpenAsync(cancellationToken);
        _qemu = await QemuProcess.StartAsync(
            Network, _image.Program("qemu-system-x86_64"), QemuArguments.For(_image, _options, _directory, disk, isIncoming),
            _directory, cancellationToken);
    }

    private async Task SwitchedOffAsync()
    {
        await EndQemuAsync();
        await _disk.SettleAsync();
    }

    private async Task EndQemuAsync()
    {
        if (_qemu is { } qemu)
        {
            _qemu = null;
            await qemu.DisposeAsync();
        }
    }
}
