using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>Where a machine's memory is.</summary>
public enum Memory
{
    None = 0,
    Private,
    Memfd,
    File,
}

/// <summary>A machine that counts, and is taken to another QEMU.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(3);

    private Subject(string memory, CountingMachine machine, SpawningLauncher launcher)
    {
        MemoryFile = memory;
        Machine = machine;
        Launcher = launcher;
    }

    public CountingMachine Machine { get; }

    public SpawningLauncher Launcher { get; }

    /// <summary>Where there is one.</summary>
    public string MemoryFile { get; }

    public string StateFile => Path.Combine(Machine.Directory, "state");

    /// <param name="version">One of <see cref="LabQemus"/>'.</param>
    /// <param name="memory">Of its guest.</param>
    /// <param name="sharesRest">Whether what is not in a memory file can be handed over as well.</param>
    /// <param name="linux">Its guest, instead of the boot sector.</param>
    /// <param name="network">Of a Linux.</param>
    public static async Task<Subject> StartAsync(
        string version, Memory memory, bool sharesRest = true, LabLinux? linux = null, LabNetwork? network = null)
    {
        // Not on a disk: the kernel would write back what the guest counts.
        string path = $"/dev/shm/nvwa-machine-{Guid.NewGuid():N}";
        var options = new CountingMachineOptions
        {
            Version = version,
            Memory = linux is null ? OfKind(memory, path) : OfKind(memory, path) with { Mebibytes = LabLinux.Mebibytes },
            Linux = linux,
            Network = network,
            Arguments = sharesRest && memory == Memory.File && version != LabQemus.Bookworm ? ["-machine", "aux-ram-share=on"] : [],
        };
        CountingMachine machine = await CountingMachine.StartAsync(await LabPackage.LocateQemusAsync(), options);
        var subject = new Subject(path, machine, new SpawningLauncher(machine.Ended, network));
        try
        {
            _ = await machine.WaitForCountsAsync(timeout: linux is null ? null : BootTimeout);
            return subject;
        }
        catch
        {
            await subject.DisposeAsync();
            throw;
        }
    }

    public Task<QemuInstance> ConnectAsync() => QemuInstance.ConnectAsync(Machine.QmpSocketPath, StepTimeout);

    public async Task TellAsync(string command)
    {
        await using QmpClient qmp = await Machine.ConnectAsync();
        _ = await qmp.ExecuteAsync(command);
    }

    /// <param name="mode">How.</param>
    /// <param name="program">The new QEMU.</param>
    /// <param name="stateFile">Where else its state goes.</param>
    /// <param name="startTimeout">For a QEMU to start.</param>
    /// <param name="stateTimeout">For it to write or read all of the machine.</param>
    public async Task<LiveUpdateReport> UpdateAsync(
        MigrationMode mode, string program, string? stateFile = null, TimeSpan? startTimeout = null, TimeSpan? stateTimeout = null)
    {
        await using QemuInstance qemu = await ConnectAsync();
        Assert.Null(LiveUpdate.Obstacle(qemu, mode));
        var update = new LiveUpdate(qemu, Launcher, stateFile ?? StateFile)
        {
            StartTimeout = startTimeout ?? StepTimeout,
            StateTimeout = stateTimeout ?? StepTimeout,
        };
        return await update.RunAsync(mode, program);
    }

    /// <summary>No reset, no gap, every page right.</summary>
    public async Task GoesOnAsync(string status)
    {
        await using (QmpClient qmp = await Machine.ConnectAsync())
        {
            Assert.Equal(status, (await qmp.QueryStatusAsync()).Status);
        }

        _ = status == "running" ? await Machine.WaitForCountsAsync() : await Machine.VerifyAsync();
    }

    private static MachineMemory OfKind(Memory memory, string path) => memory switch
    {
        Memory.Private => MachineMemory.Private,
        Memory.Memfd => MachineMemory.SharedMemfd,
        Memory.File => MachineMemory.SharedFile(path),
        Memory.None or _ => throw new ArgumentOutOfRangeException(nameof(memory), memory, "not a kind of memory"),
    };

    public async ValueTask DisposeAsync()
    {
        await Machine.DisposeAsync();
        Launcher.Dispose();
        File.Delete(MemoryFile);
    }
}
