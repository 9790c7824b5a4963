using Nvwa.Core.Planning;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.Qemu;
using Nvwa.State;
using static Nvwa.Tests.Machines.Qemus;

namespace Nvwa.Tests.Machines;

/// <summary>What is noted of a machine that is on its way from one QEMU to another. That it is ended well is tried in the lab.</summary>
public sealed class UnfinishedUpgradeTests : IDisposable
{
    private static readonly MachineFile Settings = new(new MigrationOptions(MigrationMode.CprReboot), 107, "/srv/web", ["A=1"]);

    private readonly TemporaryDirectory _images = new();
    private readonly TemporaryDirectory _aside = new();

    private string State => UnfinishedUpgrade.StateIn(_aside.Path);

    public void Dispose()
    {
        _images.Dispose();
        _aside.Dispose();
    }

    [Fact]
    public void The_state_of_a_machine_that_sleeps_outlives_its_images()
    {
        UnfinishedUpgrade.SetAside(Sleeper(Environment.ProcessId), _images.Path, _aside.Path);
        Assert.Null(UnfinishedUpgrade.Read(_aside.Path));

        Settings.Write(_images.Path);
        File.WriteAllText(UnfinishedUpgrade.StateIn(_images.Path), "state");
        UnfinishedUpgrade.SetAside(Sleeper(Environment.ProcessId), _images.Path, _aside.Path);

        UnfinishedUpgrade read = UnfinishedUpgrade.Read(_aside.Path)!;
        Assert.Equal(
            (ProcFs.BootId, "web", "web-vm.service", Environment.ProcessId, ProcFs.Read(Environment.ProcessId)!.StartTicks, "pc-q35-10.0", true, true, true),
            (read.Boot, read.Name, read.Unit, read.Pid, read.StartTicks, read.Type, read.IsLive, read.IsAsleep, read.IsWoken));
        // The program that had it, not the one that an update would have given it.
        Assert.Equal("/old", read.Arguments[0]);
        Assert.Equivalent(Settings, read.Settings, strict: true);
        Assert.Equal("state", File.ReadAllText(State));
        Assert.False(File.Exists(UnfinishedUpgrade.StateIn(_images.Path)));
    }

    [Theory]
    [InlineData("web-vm.service", false)]
    [InlineData(null, true)]
    public async Task After_another_boot_no_state_is_loaded(string? unit, bool isKept)
    {
        await File.WriteAllTextAsync(State, "state");
        var left = new UnfinishedUpgrade(Guid.NewGuid(), "web", "/run/web.qmp", unit, 1, 1, ["/q"], "pc", IsLive: true, IsAsleep: false, IsWoken: false, Program: null, Settings);
        Assert.Contains("booted since", await left.FinishAsync(_aside.Path), StringComparison.Ordinal);
        Assert.Equal(isKept, File.Exists(State));
    }

    [Fact]
    public void Nothing_is_left_of_an_upgrade_but_a_state_that_nobody_took()
    {
        string one = Directory.CreateDirectory(Path.Combine(_aside.Path, "one")).FullName;
        string two = Directory.CreateDirectory(Path.Combine(_aside.Path, "two")).FullName;
        File.WriteAllText(UnfinishedUpgrade.StateIn(two), "state");
        UnfinishedUpgrade.Remove(one);
        UnfinishedUpgrade.Remove(two);
        Assert.Equal([two], Directory.GetDirectories(_aside.Path));
    }

    private static Workload Sleeper(int pid) => Served with
    {
        MainPid = pid,
        Machine = Machine with { CommandLine = ["/new", "-incoming", "defer", "-S", "-machine", "pc-q35-10.0"], OldProgram = "/old", Sleeps = "/run/web/agent" },
    };
}
