using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Qemu;
using Nvwa.State;

namespace Nvwa.Machines;

/// <summary>
/// What <c>nvwa vm upgrade</c> notes before it begins, <c>upgrade.json</c> beside the machine's state: a daemon that finds it was
/// killed meanwhile, and ends what was begun.
/// <code>
/// the old QEMU has the machine                the machine goes on in it
/// ... and it sleeps, and has been saved       the old one is ended, and the state loaded into another
/// the old one lives, a new one has the rest   cpr-transfer: the old one is ended, and the machine goes on in the new one
/// the new one waits for the state             it gets it
/// neither is there                            through a file: the new one is started, and gets it
/// </code>
/// The state is deleted before the machine may run: what runs is no longer what the state is. A rollback notes the same of a
/// machine that sleeps (<see cref="SetAside"/>): a QEMU that has saved it cannot go on.
/// </summary>
/// <param name="Boot">The host's. After another one the machine is not what its state is: it was started anew, or its disks were.</param>
/// <param name="Name">Of the machine.</param>
/// <param name="Qmp">Its socket.</param>
/// <param name="Unit">That runs it; null for none.</param>
/// <param name="Pid">Of the old QEMU.</param>
/// <param name="StartTicks">With the PID its identity; cpr-exec changes neither.</param>
/// <param name="Arguments">Of the old QEMU.</param>
/// <param name="Type">Of the machine.</param>
/// <param name="IsLive">Whether its guest was running or suspended.</param>
/// <param name="IsAsleep">Whether it was suspended.</param>
/// <param name="IsWoken">Whether it is to be woken.</param>
/// <param name="Program">The new QEMU; null for the old one.</param>
/// <param name="Settings">How its state is written, and what its QEMU has where no unit says so.</param>
internal sealed record UnfinishedUpgrade(
    Guid Boot, string Name, string Qmp, string? Unit, int Pid, long StartTicks, IReadOnlyList<string> Arguments, string Type, bool IsLive, bool IsAsleep, bool IsWoken, string? Program, MachineFile Settings)
{
    private const string DirectoryPattern = "vm:*.upgrade";
    private const string FileName = "upgrade.json";
    private const string Waiting = "inmigrate";
    private const int Attempts = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookDeadline = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StateDeadline = TimeSpan.FromMinutes(30);

    /// <summary>Where a machine's upgrade has its state.</summary>
    public static string DirectoryOf(string criuDir, string name) => Path.Combine(criuDir, DirectoryPattern.Replace("*", name, StringComparison.Ordinal));

    public static string StateIn(string directory) => Path.Combine(directory, "state.img");

    public static UnfinishedUpgrade Of(QemuInstance qemu, string name, string? unit, string? program, MigrationMode mode)
    {
        var saved = SavedMachine.Of(qemu, mode);
        return new UnfinishedUpgrade(
            ProcFs.BootId, name, saved.QmpSocket, unit, qemu.Pid, ProcFs.Read(qemu.Pid)?.StartTicks ?? 0, saved.CommandLine.Arguments, saved.Type, saved.IsLive,
            qemu.Facts.Status == MachineFacts.Suspended, IsWoken: false, program,
            MachineFile.Of(qemu, saved.Options));
    }

    public void Write(string directory) =>
        AtomicFile.Write(Path.Combine(directory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, UpgradeJson.Default.UnfinishedUpgrade));

    /// <summary>The upgrade is at its end. The directory stays only with the state of a machine that nobody took.</summary>
    public static void Remove(string directory)
    {
        File.Delete(Path.Combine(directory, FileName));
        if (!File.Exists(StateIn(directory)))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Null if there is none.</summary>
    public static UnfinishedUpgrade? Read(string directory) => ImageNote.Read(Path.Combine(directory, FileName), UpgradeJson.Default.UnfinishedUpgrade);

    /// <summary>The state of a machine that sleeps is taken out of its images, which a rollback removes.</summary>
    public static void SetAside(Workload workload, string images, string directory)
    {
        string state = StateIn(images);
        if (!File.Exists(state) || ProcFs.Read(workload.MainPid) is not { State: not 'Z' } process)
        {
            return;
        }

        VirtualMachine machine = workload.Machine!;
        IReadOnlyList<string> arguments = machine.CommandLineFor(isLastTry: true);
        PrivateDirectory.Create(directory);
        new UnfinishedUpgrade(
            ProcFs.BootId, workload.Name, machine.Qmp, workload.Kind == WorkloadKind.Service ? workload.Unit : null, process.Pid, process.StartTicks, arguments,
            new QemuCommandLine(arguments).Machine!, machine.IsLive, IsAsleep: true, IsWoken: machine.Sleeps is not null, Program: null, MachineFile.Read(images)).Write(directory);
        File.Move(state, StateIn(directory), overwrite: true);
    }

    /// <summary>All that a daemon before has left. What cannot be ended is said, and not tried by the next one: its state stays.</summary>
    public static async Task FinishAllAsync(string criuDir, Action<string> log)
    {
        string[] directories = Directory.Exists(criuDir) ? Directory.GetDirectories(criuDir, DirectoryPattern) : [];
        foreach (string directory in directories)
        {
            try
            {
                if (Read(directory) is { } left)
                {
                    log($"vm {left.Name}: the daemon ended while it was upgraded; {await left.FinishAsync(directory)}");
                }

                Remove(directory);
            }
#pragma warning disable CA1031 // One machine does not hold up the others, and none of them the daemon.
            catch (Exception failed)
#pragma warning restore CA1031
            {
                log($"vm upgrade, left unfinished in {directory}: {failed.Message}");
                File.Delete(Path.Combine(directory, FileName));
            }
        }
    }

    /// <returns>What became of it, in words.</returns>
    /// <exception cref="MigrationException">The machine does not go on.</exception>
    public async Task<string> FinishAsync(string directory)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await FinishOnceAsync(StateIn(directory));
            }
            catch (Exception failed) when (attempt < Attempts && failed is QmpTransportException or TimeoutException)
            {
                // It was about to end.
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    private async Task<string> FinishOnceAsync(string stateFile)
    {
        if (Boot != ProcFs.BootId)
        {
            // What no unit has started anew may still be what its state is.
            if (Unit is not null)
            {
                File.Delete(stateFile);
            }

            return $"the host was booted since{(Unit is null && File.Exists(stateFile) ? $"; the machine's state of then is {stateFile}" : "")}";
        }

        using var systemd = SystemdBus.Connect();
        using SafeFileHandle? old = OldProcess();
        using UnitLauncher? unit = Unit is null ? null : new UnitLauncher(systemd, Unit);
        TransientLauncher? alone = Unit is null ? new TransientLauncher(systemd, Name, old is null ? null : Pid, Settings) : null;
        var saved = new SavedMachine(Qmp, new QemuCommandLine(Arguments), Type, IsLive, Settings.Options);
        var load = new StateLoad(saved, unit is not null ? unit : alone!, stateFile);
        if (old is null && (unit?.IsDown ?? (alone!.HasNoOther && !await AnswersAsync())))
        {
            // systemd forgets it, too, of a unit that nothing asks for.
            const int Forgotten = 0;
            return unit is null || systemd.GetUInt32(Unit!, SystemdInterface.Service, "ExecMainPID") is var last && (last == Pid || last == Forgotten) ? await StartNewAsync(load, stateFile)
                : throw new MigrationException($"{Unit} has had another process since, which has ended, too; the machine's state of before is {stateFile}");
        }

        await using QemuInstance qemu = await QemuInstance.ConnectAsync(Qmp, StartDeadline);
        bool isWaiting = qemu.Facts.Status == Waiting;
        if (old is not null && qemu.Pid == Pid && !isWaiting)
        {
            await (alone?.EndOthersAsync() ?? Task.CompletedTask);
            return await GoOnInOldAsync(qemu, old, unit, load, stateFile);
        }

        if (!qemu.CommandLine.Arguments.Contains("-incoming"))
        {
            File.Delete(stateFile);
            return "it was started anew since";
        }

        if (isWaiting && await LoadAsync(load, qemu) is { } failed)
        {
            return old is not null && qemu.Pid != Pid ? throw new MigrationException($"{failed}; its old QEMU, process {Pid}, still has the machine, and has lost its QMP socket")
                : await StartNewAsync(load, stateFile);
        }

        if (old is not null && qemu.Pid != Pid)
        {
            // It would remove its sockets, which are the new one's by now.
            Pidfd.Kill(old);
        }

        File.Delete(stateFile);
        await GoOnAsync(qemu.Qmp);
        return "the machine goes on in the new QEMU";
    }

    private async Task<string> GoOnInOldAsync(QemuInstance qemu, SafeFileHandle old, UnitLauncher? unit, StateLoad load, string stateFile)
    {
        // A cpr-exec that cannot be held any more becomes the new QEMU, which reads the state; and one that sleeps does not run.
        if (!IsAsleep && !IsInMemory)
        {
            File.Delete(stateFile);
        }

        try
        {
            await GoOnAsync(qemu.Qmp);
            File.Delete(stateFile);
            return "the machine goes on in the QEMU that it had";
        }
        catch (AsleepException)
        {
            unit?.HoldRestarts();
            await qemu.Qmp.QuitAsync(StartDeadline);
            using var patience = new CancellationTokenSource(StartDeadline);
            await Pidfd.WaitAsync(old, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await StartNewAsync(load, stateFile);
        }
    }

    /// <summary>Its memory goes from QEMU to QEMU, and is in no file.</summary>
    private bool IsInMemory => Settings.Options.Mode is MigrationMode.CprExec or MigrationMode.CprTransfer;

    /// <summary>Null if it has ended.</summary>
    private SafeFileHandle? OldProcess()
    {
        SafeFileHandle? process = Pidfd.Open(Pid);
        if (process is null || (ProcFs.Read(Pid) is { State: not 'Z' } found && found.StartTicks == StartTicks))
        {
            return process;
        }

        process.Dispose();
        return null;
    }

    /// <returns>Why it could not; null if it could.</returns>
    private static async Task<string?> LoadAsync(StateLoad load, QemuInstance qemu)
    {
        try
        {
            await (await Migration.IsComingAsync(qemu.Qmp) ? Migration.LoadedAsync(qemu.Qmp, StateDeadline) : load.LoadAsync(qemu.Qmp));
            return null;
        }
        catch (Exception failed) when (StepFailedException.IsExpected(failed) || failed is MigrationException or QmpException or QmpTransportException)
        {
            // It has half a machine, and takes no second try.
            using SafeFileHandle? process = Pidfd.Open(qemu.Pid);
            if (process is not null && Pidfd.Kill(process))
            {
                await Pidfd.WaitAsync(process, CancellationToken.None);
            }

            return failed.Message;
        }
    }

    private async Task<string> StartNewAsync(StateLoad load, string stateFile)
    {
        if (IsInMemory || !File.Exists(stateFile))
        {
            File.Delete(stateFile);
            throw new MigrationException("its QEMU has ended, and the machine's memory is gone: it has to be started anew");
        }

        var setbacks = new List<string>();
        LoadedMachine started = await load.IntoNewAsync(Program, setbacks);
        await using QmpClient qmp = started.Qmp;
        File.Delete(stateFile);
        await GoOnAsync(qmp);
        return string.Join("; ", setbacks.Append("the machine goes on from its state"));
    }

    private async Task GoOnAsync(QmpClient qmp)
    {
        await Migration.GoOnAsync(qmp, await QemuFeatures.ReadAsync(qmp), IsLive, StartDeadline, IsAsleep);
        if (IsWoken)
        {
            await GuestSleep.WakeAsync(qmp, StartDeadline);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using QmpClient qmp = await QmpClient.ConnectAsync(Qmp, LookDeadline);
            return true;
        }
        catch (Exception silent) when (silent is TimeoutException or QmpTransportException)
        {
            return false;
        }
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(UnfinishedUpgrade))]
internal sealed partial class UpgradeJson : JsonSerializerContext;
