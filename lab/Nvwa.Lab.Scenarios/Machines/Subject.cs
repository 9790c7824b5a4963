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

    public static async Task<Subject> StartAsync(string version, Memory memory, bool sharesRest = true)
    {
        // Not on a disk: the kernel would write back what the guest counts.
        string path = $"/dev/shm/nvwa-machine-{Guid.NewGuid():N}";
        var options = new CountingMachineOptions
        {
            Version = version,
            Memory = memory switch
            {
                Memory.Private => MachineMemory.Private,
                Memory.Memfd => MachineMemory.SharedMemfd,
                Memory.File => MachineMemory.SharedFile(path),
                Memory.None or _ => throw new ArgumentOutOfRangeException(nameof(memory), memory, "not a kind of memory"),
            },
            // What is not in the file can be handed over as well.
            Arguments = sharesRest && memory == Memory.File && version != LabQemus.Bookworm ? ["-machine", "aux-ram-share=on"] : [],
        };
        CountingMachine machine = await CountingMachine.StartAsync(await LabPackage.LocateQemusAsync(), options);
        var subject = new Subject(path, machine, new SpawningLauncher(machine.Ended));
        _ = await machine.WaitForCountsAsync();
        return subject;
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

    public async ValueTask DisposeAsync()
    {
        await Machine.DisposeAsync();
        Launcher.Dispose();
        File.Delete(MemoryFile);
    }
}
