using System.Text;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;
using Nvwa.Qemu;
using Nvwa.Restore;
using Nvwa.State;

namespace Nvwa.Machines;

/// <summary>
/// Has the service that runs a QEMU start another one: a drop-in on /run has its command line for as long as that takes.
/// </summary>
internal sealed class UnitLauncher(SystemdBus systemd, string unit) : IQemuLauncher, IDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan EndDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    // The machine's memory may be a file in its runtime directory.
    private const string Hold = "Restart=no\nRuntimeDirectoryPreserve=yes\n";

    // systemd complains of units that are not.
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const string Runtime = "/run/systemd/system";

    // Drop-ins count in the order of their names, and 'systemctl edit' makes an override.conf.
    private const string FileName = "zz-nvwa-vm.conf";

    private string DropIn => $"{Runtime}/{unit}.d/{FileName}";

    /// <summary>Of a daemon that was killed: a unit would start a QEMU that waits for a state for ever.</summary>
    public static void RemoveLeft(Action<string> log)
    {
        string[] left = Directory.Exists(Runtime) ? [.. Directory.GetDirectories(Runtime, "*.service.d").Select(directory => Path.Combine(directory, FileName)).Where(File.Exists)] : [];
        foreach (string file in left)
        {
            log($"an upgrade of a virtual machine was interrupted; removing {file}");
            File.Delete(file);
        }

        if (left.Length > 0)
        {
            using var systemd = SystemdBus.Connect();
            systemd.Reload();
        }
    }

    /// <summary>Before its QEMU ends: nobody else is to start it again.</summary>
    public void HoldRestarts() => Configure(Hold);

    public async Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken)
    {
        Configure($"{Hold}Type=exec\nPIDFile=\nExecStartPost=\nExecStart=\nExecStart={UnitFile.Command(commandLine.Arguments)}\n");
        IReadOnlyDictionary<string, SystemdJobResult> results = await systemd.StartAllAsync([unit], StartDeadline, cancellationToken);
        if (!results[unit].IsDone)
        {
            throw new IOException($"{unit} could not be started: {results[unit].Detail ?? results[unit].Result}; see: journalctl -u {unit}");
        }
    }

    public async Task EndedAsync(CancellationToken cancellationToken)
    {
        while (!IsDown)
        {
            await Task.Delay(Look, cancellationToken);
        }
    }

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < EndDeadline && !IsDown; waited += Look)
        {
            await Task.Delay(Look, cancellationToken);
        }

        await systemd.StopOnlyAsync([unit], StartDeadline, cancellationToken);
        try
        {
            systemd.ResetFailed(unit);
        }
        catch (SystemdException unknown) when (unknown.ErrorName == SystemdError.NoSuchUnit)
        {
            // It is not loaded any more, so it has not failed.
        }
    }

    /// <summary>The unit is what its files say again; what runs goes on.</summary>
    public void Dispose()
    {
        string directory = Path.GetDirectoryName(DropIn)!;
        if (!File.Exists(DropIn))
        {
            return;
        }

        File.Delete(DropIn);
        if (!Directory.EnumerateFileSystemEntries(directory).Any())
        {
            Directory.Delete(directory);
        }

        systemd.Reload();
    }

    /// <summary>Whether it has no QEMU, and none is being started.</summary>
    public bool IsDown => systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") is "inactive" or "failed";

    private void Configure(string settings)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(DropIn)!);
        AtomicFile.Write(DropIn, Encoding.UTF8.GetBytes("# Made by nvwa while a virtual machine is taken to another QEMU.\n[Service]\n" + settings), Readable);
        systemd.Reload();
    }
}

/// <summary>Starts QEMUs that stand alone, each in a unit of ours, which lasts as long as it.</summary>
/// <param name="systemd">Asked to start them.</param>
/// <param name="name">Of the machine.</param>
/// <param name="oldPid">Of the QEMU that has it; null if that has ended.</param>
/// <param name="settings">What they are started with.</param>
internal sealed class TransientLauncher(SystemdBus systemd, string name, int? oldPid, MachineFile settings) : IQemuLauncher
{
    // No machine's own name has a colon.
    private const string Next = ":next";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan EndDeadline = TimeSpan.FromSeconds(60);

    private string? _started;

    /// <summary>Whether no unit of ours has a QEMU of this machine but the old one.</summary>
    public bool HasNoOther => !Others.Any();

    private IEnumerable<string> Others => systemd.ListUnits().Select(unit => unit.Name)
        .Where(unit => unit == MachineDiscovery.UnitOf(name) || unit == MachineDiscovery.UnitOf(name + Next))
        .Where(unit => systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") is not ("inactive" or "failed")
            && systemd.GetUInt32(unit, SystemdInterface.Service, "MainPID") != oldPid);

    /// <summary>Of a daemon that was killed.</summary>
    public Task EndOthersAsync() => systemd.StopAllAsync([.. Others], StartDeadline, CancellationToken.None);

    public async Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken)
    {
        // The one before may be in a unit of ours, too, which is there until it has ended.
        string unit = MachineDiscovery.UnitOf(systemd.ListUnits().Any(each => each.Name == MachineDiscovery.UnitOf(name)) ? name + Next : name);
        await systemd.StartTransientServiceAsync(MachineUnits.Transient(unit, name, commandLine.Arguments, settings), StartDeadline, cancellationToken);
        _started = unit;
    }

    public async Task EndedAsync(CancellationToken cancellationToken)
    {
        while (_started is { } unit && systemd.GetString(unit, SystemdInterface.Unit, "ActiveState") is not ("inactive" or "failed"))
        {
            await Task.Delay(Look, cancellationToken);
        }
    }

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_started is not null)
        {
            await systemd.StopAllAsync([_started], StartDeadline, cancellationToken);
            return;
        }

        using SafeFileHandle? process = oldPid is { } pid ? Pidfd.Open(pid) : null;
        using var patience = new CancellationTokenSource(EndDeadline);
        try
        {
            await (process is null ? Task.CompletedTask : Pidfd.WaitAsync(process, patience.Token));
        }
        catch (OperationCanceledException)
        {
            Pidfd.Kill(process!);
            await Pidfd.WaitAsync(process!, CancellationToken.None);
        }
    }
}
