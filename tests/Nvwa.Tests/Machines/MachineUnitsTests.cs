using System.Runtime.Versioning;
using Nvwa.Core.Journal;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.Qemu;
using Nvwa.Restore;
using Nvwa.State;
using static Nvwa.Tests.Machines.Qemus;
using static Nvwa.Tests.Updates;

namespace Nvwa.Tests.Machines;

[SupportedOSPlatform("linux")]
public sealed class MachineUnitsTests : IDisposable
{
    private static readonly MachineFile Settings = new(
        new MigrationOptions(MigrationMode.CprReboot, LeavesShared: true, Channels: 3), 107, "/srv/web", ["PATH=/bin", "A=b=c", "EMPTY="]);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_start_of_a_machine_that_a_service_runs_becomes_its_restore() => Assert.Equal(
        """
        # Made by nvwa while the virtual machine web waits to be restored; gone once the update is confirmed.
        [Unit]
        After=nvwa-lock.service nvwa-network.service
        RequiresMountsFor="/var/nvwa/running/20261121T093000Z" "/srv/web.qcow2"

        # A second try is no reason for anybody to be alarmed.
        OnFailure=
        FailureAction=none
        StartLimitIntervalSec=0

        [Service]
        Type=exec
        PIDFile=
        TimeoutStartSec=infinity
        Restart=no
        ExecStartPre=+/usr/bin/udevadm wait --timeout=60 "/dev/dax0.0"
        ExecStart=
        ExecStart=:"/usr/bin/qemu-system-x86_64" "-name" "my web" "-incoming" "defer" "-S"
        # The unit's own would find a guest that does not run yet, or have it run before its time.
        ExecStartPost=
        ExecStartPost=+/usr/bin/nsenter --target=1 --mount -- /usr/bin/nvwa resume web

        """,
        Files()["web-vm.service.d/zz-nvwa.conf"]);

    [Fact]
    public void A_machine_that_stands_alone_is_brought_back_by_a_unit_of_ours()
    {
        IReadOnlyDictionary<string, string> files = Files();

        Assert.Equal("/usr/lib/systemd/system/nvwa-resume@.service", files["multi-user.target.wants/nvwa-resume@db.service"]);
        Assert.Equal(
            """
            [Unit]
            After=nvwa-lock.service nvwa-network.service
            RequiresMountsFor="/var/nvwa/running/20261121T093000Z" "/srv/web.qcow2"

            """,
            files["nvwa-resume@db.service.d/zz-nvwa.conf"]);
        Assert.DoesNotContain(files.Keys, name => name.StartsWith("nvwa-vm-db", StringComparison.Ordinal));
    }

    [Fact]
    public void What_an_argument_has_in_it_reaches_QEMU_as_it_is() => Assert.Contains(
        "\nExecStart=:\"/q\" \"\" \"a b\" \"say \\\"x\\\"\" \"50%%\" \"$HOME\" \"c:\\\\d\" \"1\\x0a2\"\n",
        MachineUnits.DropIn("web", Machine with { CommandLine = ["/q", "", "a b", "say \"x\"", "50%", "$HOME", "c:\\d", "1\n2"] }, "/i", isLastTry: false),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(false, "/new")]
    [InlineData(true, "/old")]
    public void The_program_that_had_the_machine_gets_the_last_try(bool isLastTry, string program) => Assert.Contains(
        $"\nExecStart=:\"{program}\" \"-S\"\n",
        MachineUnits.DropIn("web", Machine with { CommandLine = ["/new", "-S"], OldProgram = "/old" }, "/i", isLastTry),
        StringComparison.Ordinal);

    [Fact]
    public void A_QEMU_that_stands_alone_is_started_as_it_was()
    {
        SystemdTransientService service = MachineUnits.Transient("nvwa-vm-web.service", "web", ["/q", "-S"], Settings);

        Assert.Equal(("nvwa-vm-web.service", 107u, "/srv/web", true), (service.Name, service.User!.Value, service.WorkingDirectory, service.DefaultDependencies));
        Assert.Equal(["/q", "-S"], service.Arguments);
        Assert.Equal([("A", "b=c"), ("EMPTY", ""), ("PATH", "/bin")], service.Environment.Select(pair => (pair.Key, pair.Value)).Order());
    }

    [Fact]
    public void A_variable_that_systemd_does_not_take_does_not_keep_the_machine_from_its_start() => Assert.Equal(
        ["A"],
        MachineUnits.Transient(
            "u", "web", ["/q"], Settings with { Variables = ["A=1", "A=2", "BASH_FUNC_f%%=() { :\n}", "1B=x", "=x", "none", "ESC=\u001b[1m"] }).Environment.Keys);

    [Fact]
    public void How_a_machine_was_saved_is_read_as_it_was_written()
    {
        Settings.Write(_directory.Path);

        var read = MachineFile.Read(_directory.Path);

        Assert.Equivalent(Settings, read, strict: true);
        Assert.Contains("\"CprReboot\"", File.ReadAllText(_directory["machine.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_that_file_nothing_is_restored() => Assert.Throws<InvalidDataException>(() => MachineFile.Read(_directory.Path));

    [Fact]
    public void Its_images_cannot_be_taken_for_those_of_a_process_or_a_service()
    {
        Assert.Equal("vm:web", ImageStore.DirectoryName(Served));
        Assert.Equal("vm:db", ImageStore.DirectoryName(Alone));
    }

    /// <summary>A guest that powers off while it is saved must not keep the update open for ever.</summary>
    [Fact]
    public async Task A_machine_whose_QEMU_has_ended_is_not_waited_for()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("/bin/true", []));
        await child.WaitAsync(CancellationToken.None);

        await MachineDumper.TakeBackAsync(Served with { MainPid = child.Pid, Machine = Machine with { Qmp = _directory["qmp"] } }, _directory.Path).WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static IReadOnlyDictionary<string, string> Files() => Generator.Files(
        UpdateState.Of(
        [
            Opened(Id), new Planned([Served, Alone], [], null), new AllFrozen(At(10), At(11)),
            new Saved("web", 1, At(12), "x", At(11)), new Saved("db", 1, At(12), "x", At(11)), new Committed(At(14)),
        ]),
        NewBoot);
}
