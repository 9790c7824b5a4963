using Nvwa.Core.Checks;
using Nvwa.Machines;
using Nvwa.Qemu;
using static Nvwa.Tests.Machines.Qemus;

namespace Nvwa.Tests.Machines;

/// <summary>The words of each refusal: an operator decides by them.</summary>
public sealed class MachineChecksTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_machine_that_nothing_is_wrong_with_passes()
    {
        CheckResult result = Assert.Single(Any(Of()));

        Assert.Equal((Verdict.Pass, "web", "QEMU 11.1.3 in process 901, pc-q35-10.0, running"), (result.Verdict, result.Subject, result.Reason));
    }

    [Theory]
    [InlineData("paused", true)]
    [InlineData("suspended", true)]
    [InlineData("prelaunch", true)]
    [InlineData("internal-error", false)]
    [InlineData("guest-panicked", false)]
    [InlineData("postmigrate", false)]
    [InlineData("inmigrate", false)]
    public void Only_some_states_can_be_saved(string status, bool can) =>
        Assert.Equal(can ? [] : [$"is in QEMU's state {status}, which cannot be saved"], Refusals(Of(Facts with { Status = status })));

    [Fact]
    public void What_QEMU_refuses_is_told_in_its_words() => Assert.Equal(
        ["QEMU refuses: virgl is not yet migratable"],
        MachineChecks.ForAnyChange(Configuration, Of(), ["virgl is not yet migratable"]).Where(result => result.Verdict == Verdict.Refuse).Select(result => result.Reason));

    [Fact]
    public void What_whoever_started_it_had_opened_would_be_lost() => Assert.Equal(
        ["was given open descriptors by whoever started it (-netdev tap,fd=3), as libvirt does: another QEMU would not have them"], Refusals(With("-netdev", "tap,fd=3")));

    [Fact]
    public void A_machine_whose_writes_are_thrown_away_cannot_be_taken_over() =>
        Assert.Equal(["throws away what the guest writes (-snapshot), when its QEMU ends"], Refusals(With("-snapshot")));

    [Fact]
    public void A_device_that_was_plugged_in_would_be_lost() => Assert.Equal(
        ["the device disk1 was plugged in after its start, and another QEMU would not have it"], Refusals(Of(Facts with { DeviceIds = ["net0", "disk1"] })));

    [Fact]
    public void A_device_that_was_unplugged_would_come_back() => Assert.Equal(
        ["the device net0 was unplugged after its start, and another QEMU would have it again"], Refusals(Of(Facts with { DeviceIds = [] })));

    [Fact]
    public void Connections_of_QEMU_itself_are_a_warning()
    {
        CheckResult warning = Assert.Single(Any(With("-netdev", "user,id=n")), result => result.Verdict == Verdict.Warn);

        Assert.Equal("reaches the network through QEMU's own sockets (user): its connections end with this QEMU", warning.Reason);
    }

    [Theory]
    [InlineData(null, Verdict.Refuse, "drives a device of the host (vfio-pci), which only a guest that sleeps can give up")]
    [InlineData("/run/web.agent", Verdict.Warn, "drives a device of the host (vfio-pci): the guest is suspended by its agent before, and woken after")]
    public void A_device_of_the_host_takes_a_guest_that_sleeps(string? agent, object verdict, string reason)
    {
        QemuInstance qemu = Of(Facts with { Devices = ["vfio-pci"] });

        Assert.Contains(
            MachineChecks.ForKernel(Configuration with { GuestAgent = agent }, qemu, [], _directory.Path), result => result.Verdict.Equals(verdict) && result.Reason == reason);
    }

    [Theory]
    [InlineData("memory-backend-ram", false, null, "(memory-backend-ram) is private to its QEMU")]
    [InlineData("memory-backend-memfd", true, null, "(memory-backend-memfd) ends with its QEMU")]
    [InlineData("memory-backend-file", true, "/tmp", "(/tmp) is a file without a name, which ends with its QEMU")]
    [InlineData("memory-backend-file", true, "/dev/shm/nvwa-not-there", "(/dev/shm/nvwa-not-there) is not there any more")]
    public void Memory_that_is_copied_says_why(string type, bool isShared, string? path, string why)
    {
        QemuInstance qemu = Of(Facts with { Ram = [new RamBackend("ram", type, 64 << 20, isShared, path)] });

        CheckResult warning = Assert.Single(MachineChecks.ForKernel(Configuration, qemu, [], _directory.Path), result => result.Verdict == Verdict.Warn);

        Assert.Equal($"64 MiB of memory are copied to {_directory.Path}: ram {why}", warning.Reason);
    }

    [Fact]
    public void Memory_that_outlives_the_kernel_stays_where_it_is()
    {
        // On a disk, as this assembly is.
        string path = Path.Join(AppContext.BaseDirectory, "Nvwa.Tests.dll");
        QemuInstance qemu = Of(Facts with { Ram = [new RamBackend("ram", "memory-backend-file", 64 << 20, IsShared: true, path)] });

        Assert.Contains(
            MachineChecks.ForKernel(Configuration, qemu, [], _directory.Path),
            result => result.Verdict == Verdict.Pass && result.Reason == $"its memory stays where it is ({path}); only device state is written");
    }

    [Fact]
    public void Memory_that_has_no_room_is_refused()
    {
        QemuInstance qemu = Of(Facts with { Ram = [new RamBackend("ram", "memory-backend-ram", 1L << 60, IsShared: false, Path: null)] });

        CheckResult refusal = Assert.Single(MachineChecks.ForKernel(Configuration, qemu, [], _directory.Path), result => result.Verdict == Verdict.Refuse);

        Assert.Matches($"its memory may need {1L << 40} MiB in .*, and [0-9]+ MiB are free", refusal.Reason);
    }

    private static QemuInstance With(params string[] more) => Of(commandLine: new QemuCommandLine([.. CommandLine.Arguments, .. more]));

    private static List<CheckResult> Any(QemuInstance qemu) => [.. MachineChecks.ForAnyChange(Configuration, qemu, [])];

    private static IEnumerable<string> Refusals(QemuInstance qemu) => Any(qemu).Where(result => result.Verdict == Verdict.Refuse).Select(result => result.Reason);
}
