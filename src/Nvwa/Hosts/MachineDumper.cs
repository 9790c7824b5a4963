using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.Qemu;
using Nvwa.State;

namespace Nvwa.Hosts;

/// <summary>
/// A virtual machine between two QEMUs and two kernels. Its directory of images has
/// <code>
///   state.img       what QEMU wrote; memory in shared files stays there
///   machine.json    how it was written: MachineFile
///   memory.tar      of a QEMU that stands alone, what it has where a boot finds nothing: directories of its sockets above all
/// </code>
/// </summary>
internal sealed class MachineDumper(Workload workload, QemuInstance qemu, MachineFile settings, string directory) : IDumper
{
    private const string State = "state.img";

    /// <summary>QEMU's run state after a save.</summary>
    private const string Saved = "postmigrate";

    /// <summary>QEMU's run states before and after a load.</summary>
    private const string Waiting = "inmigrate";
    private const string Loaded = "paused";

    /// <summary>Run states that no save leads to, and "cont" not out of: the guest is off, or has met an error.</summary>
    private static readonly string[] OfItsOwn = ["shutdown", "internal-error", "io-error", "guest-panicked", "watchdog"];

    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(20);

    /// <summary>For all of a machine's memory to be written, or read.</summary>
    private static readonly TimeSpan StateDeadline = TimeSpan.FromMinutes(30);

    /// <summary>For a guest to put its devices and itself to sleep.</summary>
    private static readonly TimeSpan SleepDeadline = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    /// <summary>For a QEMU to answer that takes all of its memory first.</summary>
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromMinutes(5);

    public Workload Workload => workload;

    private VirtualMachine Machine => workload.Machine!;

    public static async Task<MachineDumper> PrepareAsync(Workload workload, string directory, CancellationToken cancellation)
    {
        QemuInstance qemu = await ExplainedAsync(workload.Name, () => QemuInstance.ConnectAsync(workload.Machine!.Qmp, ConnectDeadline, cancellation));
        try
        {
            return qemu.Pid == workload.MainPid ? new MachineDumper(workload, qemu, MachineFile.Of(qemu, MachineTechnique.Of(qemu)), directory)
                : throw new StepFailedException($"{workload.Name}: its QEMU was process {workload.MainPid} when it was checked, and is process {qemu.Pid} now");
        }
        catch
        {
            await qemu.DisposeAsync();
            throw;
        }
    }

    public Task<DumpedImages> DumpAsync(CancellationToken cancellation) => ExplainedAsync(workload.Name, async () =>
    {
        settings.Write(directory);
        if (Machine.Sleeps is { } agent)
        {
            // Not broken off: one that falls asleep when nobody waits for it any more would not be woken.
            await GuestSleep.SleepAsync(qemu.Qmp, agent, SleepDeadline, CancellationToken.None);
        }

        string path = Path.Combine(directory, State);
        MigrationOptions options = settings.Options;
        using SafeFileHandle file = StateFile.Create(path);
        using SafeFileHandle? direct = options.Channels > 0 ? StateFile.TryOpenDirect(path, FileAccess.Write) : null;
        SaveTimes times = await Migration.SaveAsync(qemu.Qmp, qemu.Features, options, file, direct, StateDeadline, cancellation);
        if (workload.Kind == WorkloadKind.Process)
        {
            await MemoryFiles.SaveAsync(workload, [qemu.Pid], [], directory, [.. qemu.Facts.Ram.Select(ram => ram.Path).OfType<string>()]);
        }

        string digest = await Task.Run(() => ImageDigests.Seal(directory));
        return new DumpedImages(FileIdentity.Of(path)?.Allocated ?? 0, digest, times.Stopped is { } stopped ? Moment.At(stopped) : null);
    });

    /// <summary>Somebody may have continued it, or it may have ended and been started anew, while others were saved: its disks have gone on then.</summary>
    public Task ConfirmAsync() => ExplainedAsync(workload.Name, async () =>
    {
        string status = (await qemu.Qmp.QueryStatusAsync()).Status;
        return status == Saved ? status : throw new StepFailedException($"{workload.Name}: it was saved, and is {status} now");
    });

    public ValueTask DisposeAsync() => qemu.DisposeAsync();

    /// <summary>Whatever its save came to: the machine goes on in the QEMU that it had, or, where that cannot, in another of the same program.</summary>
    /// <param name="workload">The machine.</param>
    /// <param name="aside">Where its state is if it sleeps.</param>
    /// <returns>What is wrong with it all the same, and not to be mended; null for nothing.</returns>
    public static Task<string?> TakeBackAsync(Workload workload, string aside) => ExplainedAsync(workload.Name, async () =>
    {
        if (UnfinishedUpgrade.Read(aside) is { } saved)
        {
            await saved.FinishAsync(aside);
            UnfinishedUpgrade.Remove(aside);
            return null;
        }

        VirtualMachine machine = workload.Machine!;
        await using QemuInstance? qemu = await HolderAsync(workload, machine);
        if (qemu is null)
        {
            // The guest shut down meanwhile, or somebody ended it: nothing waits for us.
            return $"{workload.Name}: its QEMU, process {workload.MainPid}, has ended meanwhile";
        }

        // One that runs may be about to be stopped: a save that its daemon did not live to see goes on.
        bool isLive = machine.IsLive && !OfItsOwn.Contains(qemu.Facts.Status);
        await Migration.GoOnAsync(qemu.Qmp, qemu.Features, isLive, StartDeadline, machine.IsSavedAsleep);
        await WakeAsync(qemu.Qmp, machine);
        return (string?)null;
    });

    /// <summary>The QEMU that has it: the one that was saved or, of a machine that slept, another that an earlier try gave its state. Null for none.</summary>
    private static async Task<QemuInstance?> HolderAsync(Workload workload, VirtualMachine machine)
    {
        if (ProcFs.Read(workload.MainPid) is not (null or { State: 'Z' }))
        {
            return await QemuInstance.ConnectAsync(machine.Qmp, ConnectDeadline);
        }

        if (!machine.IsSavedAsleep)
        {
            return null;
        }

        try
        {
            QemuInstance other = await QemuInstance.ConnectAsync(machine.Qmp, ConnectDeadline);
            if (other.CommandLine.Arguments.Contains("-incoming") && other.Facts.Status != Waiting)
            {
                return other;
            }

            await other.DisposeAsync();
        }
        catch (Exception silent) when (silent is TimeoutException or QmpException or QmpTransportException)
        {
            // Nobody is there, or it is no QEMU that could be asked.
        }

        return null;
    }

    private static Task WakeAsync(QmpClient qmp, VirtualMachine machine) =>
        machine.Sleeps is null ? Task.CompletedTask : GuestSleep.WakeAsync(qmp, StartDeadline, CancellationToken.None);

    /// <summary>Reads the machine into a QEMU that was started for it.</summary>
    /// <param name="workload">The machine.</param>
    /// <param name="pid">Of that QEMU.</param>
    /// <param name="directory">Of its images, which are verified.</param>
    /// <param name="boundary">Called when all is there and nothing runs yet.</param>
    /// <param name="cancellation">Ends it before that.</param>
    public static Task<RestoredProcess> RestoreAsync(Workload workload, int pid, string directory, Action boundary, CancellationToken cancellation) => ExplainedAsync(null, async () =>
    {
        var settings = MachineFile.Read(directory);
        string path = Path.Combine(directory, State);
        await using QmpClient qmp = await ConnectAsync(workload, pid, cancellation);
        QemuFeatures features = await QemuFeatures.ReadAsync(qmp, cancellation);
        using SafeFileHandle file = PrivateFile.OpenRead(path);
        using SafeFileHandle? direct = settings.Options.Channels > 0 ? StateFile.TryOpenDirect(path, FileAccess.Read) : null;
        await Migration.LoadAsync(qmp, features, settings.Options, file, direct, StateDeadline, cancellation);
        boundary();
        return new RestoredProcess(qmp.PeerPid, await LiveOnAsync(qmp, workload.Machine!));
    });

    /// <summary>A restore ended between its boundary and its last record: the machine is in its QEMU, and may not have been told to run.</summary>
    /// <param name="workload">The machine.</param>
    /// <param name="pid">Of the QEMU that its unit has.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False if it has no machine, as one that was started once more, or none that runs.</returns>
    public static async Task<bool> FinishRestoreAsync(Workload workload, int pid, CancellationToken cancellation)
    {
        try
        {
            await using QmpClient qmp = await ConnectAsync(workload, pid, cancellation);
            string status = (await qmp.QueryStatusAsync(cancellation)).Status;
            if (status == Loaded)
            {
                await LiveOnAsync(qmp, workload.Machine!);
            }

            return status != Waiting;
        }
        catch (TimeoutException)
        {
            // Whoever has its monitor has it for a machine.
            return true;
        }
        catch (Exception failed) when (failed is StepFailedException or MigrationException or QmpException or QmpTransportException)
        {
            return false;
        }
    }

    private static async Task<QmpClient> ConnectAsync(Workload workload, int pid, CancellationToken cancellation)
    {
        using SafeFileHandle process = (pid > 0 ? Pidfd.Open(pid) : null) ?? throw new StepFailedException($"its QEMU ended at once; see: journalctl -b -u {workload.Unit}");
        QmpClient? qmp = null;
        await StateLoad.WhileItRunsAsync(
            async token => qmp = await QmpClient.ConnectAsync(workload.Machine!.Qmp, AnswerDeadline, cancellationToken: token), token => Pidfd.WaitAsync(process, token), cancellation);
        return qmp!;
    }

    /// <summary>Nothing that fails from here on is a reason to end a guest that may run.</summary>
    private static async Task<Stamp?> LiveOnAsync(QmpClient qmp, VirtualMachine machine)
    {
        try
        {
            DateTimeOffset? running = machine.IsLive ? await Migration.ContinueAsync(qmp, StartDeadline, CancellationToken.None) : null;
            await WakeAsync(qmp, machine);
            return running is { } moment ? Moment.At(moment) : null;
        }
        catch (Exception late) when (late is TimeoutException or QmpException)
        {
            QmpRunStatus now = await qmp.QueryStatusAsync();
            return now.Status is "running" or "suspended" || !machine.IsLive ? null : throw new StepFailedException($"it is loaded, and does not run but is {now.Status}: {late.Message}", late);
        }
    }

    /// <param name="name">Where the words are not about one machine anyway.</param>
    /// <param name="step">Of QEMU's.</param>
    private static async Task<T> ExplainedAsync<T>(string? name, Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception failed) when (failed is QmpException or QmpTransportException or MigrationException)
        {
            throw new StepFailedException(name is null ? failed.Message : $"{name}: {failed.Message}", failed);
        }
    }
}
