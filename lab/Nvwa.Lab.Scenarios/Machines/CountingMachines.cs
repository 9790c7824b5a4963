using System.Text.Json.Nodes;
using Nvwa.Lab.Hosts;
using Nvwa.Lab.Machines;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>
/// The ground for updates of QEMU: the guest that counts, in each QEMU and with each kind of memory, on this host itself. It has to
/// notice what it loses, or what it says after an update would mean nothing.
/// </summary>
public sealed class CountingMachines
{
    private const string DamagedPage = "00345000";
    private const long DamagedOffset = 0x345000;

    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(LabQemus.Bookworm)]
    [InlineData(LabQemus.Trixie)]
    [InlineData(LabQemus.TrixieBackports)]
    public async Task A_guest_counts_and_goes_on_after_a_stop(string version)
    {
        await using CountingMachine machine = await StartAsync(version, MachineMemory.Private);
        await using QmpClient qmp = await machine.ConnectAsync();
        Assert.Equal(version, $"{qmp.Version.Major}.{qmp.Version.Minor}");
        _ = await machine.WaitForCountsAsync();

        _ = await qmp.ExecuteAsync("stop");
        int stopped = await machine.VerifyAsync();
        Assert.Equal("paused", (await qmp.QueryStatusAsync()).Status);
        LabException stands = await Assert.ThrowsAsync<LabException>(
            () => machine.WaitForCountsAsync(more: 1, timeout: TimeSpan.FromSeconds(0.5)));
        Assert.Contains($"stands at count {stopped}", stands.Message, StringComparison.Ordinal);

        _ = await qmp.ExecuteAsync("cont");
        Assert.True(await machine.WaitForCountsAsync() > stopped);
        Assert.Equal([machine.Pid], machine.Processes());
        await CanBeStartedAgainFromProcAsync(machine);
    }

    [Theory]
    [InlineData(LabQemus.Trixie)]
    [InlineData(LabQemus.TrixieBackports)]
    public async Task A_guest_counts_in_shared_memory(string version)
    {
        await using CountingMachine machine = await StartAsync(version, MachineMemory.SharedMemfd);
        _ = await machine.WaitForCountsAsync();
    }

    [Fact]
    public async Task A_reset_is_seen()
    {
        await using CountingMachine machine = await StartAsync(LabQemus.Trixie, MachineMemory.Private);
        await using QmpClient qmp = await machine.ConnectAsync();
        _ = await machine.WaitForCountsAsync();

        _ = await qmp.ExecuteAsync("system_reset");
        await FailsAsync(machine, "started again");
    }

    [Theory]
    [InlineData(LabQemus.Bookworm)]
    [InlineData(LabQemus.Trixie)]
    [InlineData(LabQemus.TrixieBackports)]
    public async Task A_damaged_page_is_seen(string version)
    {
        using var memory = new MemoryPath();
        await using CountingMachine machine = await StartAsync(version, MachineMemory.SharedFile(memory.FullName));
        _ = await machine.WaitForCountsAsync();

        await DamageAsync(memory.FullName);
        await FailsAsync(machine, DamagedPage);
    }

    /// <summary>By hand, as an update would: the machine is the same, and is ended whoever started its QEMU.</summary>
    [Fact]
    public async Task A_guest_goes_on_in_another_QEMU()
    {
        using var memory = new MemoryPath();
        await using CountingMachine machine = await StartAsync(LabQemus.Trixie, MachineMemory.SharedFile(memory.FullName));
        _ = await machine.WaitForCountsAsync();
        string uri = $"file:{Path.Combine(machine.Directory, "state")}";
        await SaveAsync(machine, uri);
        int saved = await machine.VerifyAsync();

        LabQemus qemus = await LabPackage.LocateQemusAsync();
        using ChildProcess successor = Spawn.Start(new SpawnRequest(
            qemus.Program(LabQemus.TrixieBackports), [.. machine.Arguments, "-incoming", "defer"]));
        await using (QmpClient qmp = await machine.ConnectAsync())
        {
            await PrepareAsync(qmp);
            _ = await qmp.ExecuteAsync("migrate-incoming", new JsonObject { ["uri"] = uri });
        }

        Assert.True(await machine.WaitForCountsAsync() > saved);
        Assert.Equal([successor.Pid], machine.Processes());
        await machine.DisposeAsync();
        Assert.Equal(128 + 9, await successor.WaitAsync(CancellationToken.None).WaitAsync(StepTimeout));
    }

    [Fact]
    public async Task A_QEMU_that_does_not_start_says_why()
    {
        LabException e = await Assert.ThrowsAsync<LabException>(() => StartAsync(LabQemus.Bookworm, MachineMemory.SharedMemfd));
        Assert.Contains("aux-ram-share", e.Message, StringComparison.Ordinal);
    }

    private static async Task<CountingMachine> StartAsync(string version, MachineMemory memory) =>
        await CountingMachine.StartAsync(
            await LabPackage.LocateQemusAsync(), new CountingMachineOptions { Version = version, Memory = memory });

    private static async Task FailsAsync(CountingMachine machine, string said)
    {
        LabException e = await Assert.ThrowsAsync<LabException>(() => machine.WaitForCountsAsync(more: int.MaxValue));
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<LabException>(() => machine.VerifyAsync());
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    private static async Task CanBeStartedAgainFromProcAsync(CountingMachine machine)
    {
        string[] said = (await File.ReadAllTextAsync($"/proc/{machine.Pid}/cmdline")).TrimEnd('\0').Split('\0');
        Assert.Equal([machine.Program, .. machine.Arguments], said);
        Assert.Equal(machine.Program, ProcFs.Read(machine.Pid)?.Exe);
    }

    private static async Task SaveAsync(CountingMachine machine, string uri)
    {
        await using QmpClient qmp = await machine.ConnectAsync();
        await PrepareAsync(qmp);
        using QmpEvents events = qmp.Subscribe();
        _ = await qmp.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri });
        _ = await events.WaitForAsync(
            "MIGRATION", state => state.Data.GetProperty("status").GetString() == "completed", StepTimeout);
        await qmp.QuitAsync(StepTimeout);
        Assert.Equal(0, await machine.Ended.WaitAsync(StepTimeout));
    }

    private static async Task PrepareAsync(QmpClient qmp)
    {
        _ = await qmp.ExecuteAsync("migrate-set-parameters", new JsonObject { ["mode"] = "cpr-reboot" });
        var capabilities = new JsonArray(
            new JsonObject { ["capability"] = "x-ignore-shared", ["state"] = true },
            new JsonObject { ["capability"] = "events", ["state"] = true });
        _ = await qmp.ExecuteAsync("migrate-set-capabilities", new JsonObject { ["capabilities"] = capabilities });
    }

    private static async Task DamageAsync(string file)
    {
        await using var memory = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        memory.Position = DamagedOffset;
        await memory.WriteAsync(new byte[] { 0xde, 0xad, 0xbe, 0xef });
    }

    // Not on a disk: the kernel would write back what the guest counts.
    private sealed class MemoryPath : IDisposable
    {
        public string FullName { get; } = $"/dev/shm/nvwa-machine-{Guid.NewGuid():N}";

        public void Dispose() => File.Delete(FullName);
    }
}
