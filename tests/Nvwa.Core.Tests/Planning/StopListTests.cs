using Nvwa.Core.Planning;

namespace Nvwa.Core.Tests.Planning;

public sealed class StopListTests
{
    [Fact]
    public void Everything_active_is_stopped_that_is_not_kept() =>
        Assert.Equal(["cron.service", "mail.socket", "logs.timer", "spool.path"], Stop(
            ["redis.service"],
            Unit("redis.service"), Unit("cron.service"), Unit("mail.socket"), Unit("logs.timer"), Unit("spool.path")));

    [Theory]
    [InlineData("multi-user.target")]
    [InlineData("var-lib.mount")]
    [InlineData("system.slice")]
    [InlineData("session-1.scope")]
    [InlineData("dev-sda.device")]
    [InlineData("dev-sda1.swap")]
    [InlineData("proc.automount")]
    public void Only_what_does_work_is_stopped(string name) => Assert.Empty(Stop([], Unit(name)));

    [Fact]
    public void What_a_kept_unit_depends_on_goes_on_however_far_away() =>
        Assert.Equal(["other.service"], Stop(
            ["app.service"],
            Unit("app.service", needs: ["app.socket", "db.service"]),
            Unit("app.socket"),
            Unit("db.service", needs: ["storage.service", "app.service"]),
            Unit("storage.service", needs: ["gone.service"]),
            Unit("other.service", needs: ["app.service"])));

    [Fact]
    public void A_socket_that_triggers_a_kept_service_goes_on() =>
        Assert.Equal(["b.socket"], Stop(
            ["a.service"], Unit("a.service", needs: ["a.socket"]), Unit("a.socket"), Unit("b.socket")));

    [Fact]
    public void A_kept_unit_that_systemd_does_not_list_changes_nothing() =>
        Assert.Equal(["cron.service"], Stop(["nvwa-17.scope"], Unit("cron.service")));

    [Theory]
    [InlineData("ssh.service")]
    [InlineData("ssh.socket")]
    [InlineData("ssh@7-10.0.2.15:22-10.0.2.2:4711.service")]
    [InlineData("sshd.service")]
    [InlineData("sshd-unix-local.socket")]
    [InlineData("sshd-vsock.socket")]
    [InlineData("getty@tty1.service")]
    [InlineData("serial-getty@ttyS0.service")]
    [InlineData("console-getty.service")]
    [InlineData("user@0.service")]
    [InlineData("user-runtime-dir@0.service")]
    public void The_ways_into_the_host_stay_open(string name) => Assert.Empty(Stop([], Unit(name)));

    [Theory]
    [InlineData("systemd-journald.service")]
    [InlineData("systemd-udevd.service")]
    [InlineData("systemd-logind.service")]
    [InlineData("dbus.service")]
    [InlineData("dbus.socket")]
    [InlineData("dbus-broker.service")]
    [InlineData("nvwa.service")]
    [InlineData("nvwa-dump-0.service")]
    public void What_the_host_stands_on_stays(string name) => Assert.Empty(Stop([], Unit(name)));

    [Theory]
    [InlineData("sshguard.service")]
    [InlineData("users.service")]
    [InlineData("my-dbus.service")]
    public void A_name_that_only_resembles_one_of_these_does_not_help(string name) => Assert.Equal([name], Stop([], Unit(name)));

    [Theory]
    [InlineData("network.target")]
    [InlineData("network-pre.target")]
    public void Networks_and_firewalls_stay(string before) =>
        Assert.Equal(["web.service"], Stop([], Unit("net.service", before: ["shutdown.target", before]), Unit("web.service", before: ["shutdown.target"])));

    [Fact]
    public void Units_of_early_boot_stay() =>
        Assert.Empty(Stop([], new UnitFacts("keyboard-setup.service", [], [], DefaultDependencies: false)));

    [Fact]
    public void Who_asked_waits_for_the_answer_and_is_not_stopped() =>
        Assert.Equal(["b.service"], StopList.Compute([Unit("a.service"), Unit("b.service")], [], "a.service"));

    [Fact]
    public void The_list_has_the_order_in_which_systemd_names_the_units() =>
        Assert.Equal(["z.service", "a.service", "m.service"], Stop([], Unit("z.service"), Unit("a.service"), Unit("m.service")));

    [Fact]
    public void A_host_without_units_stops_nothing() => Assert.Empty(Stop(["redis.service"]));

    private static IReadOnlyList<string> Stop(string[] kept, params UnitFacts[] active) => StopList.Compute(active, kept, caller: null);

    private static UnitFacts Unit(string name, string[]? needs = null, string[]? before = null) =>
        new(name, needs ?? [], before ?? [], DefaultDependencies: true);
}
