using System.Globalization;
using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>What an operator meets besides updates: commands, varlink, completion, manual, the seeds' configuration.</summary>
[Collection(OneGuestAtATime.Name)]
public sealed class OperatorsView(PreparedHost prepared, SharedHost shared) : IClassFixture<SharedHost>
{
    private const string Socket = "/run/nvwa/nvwa.socket";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private NvwaHost Host => shared.Host;

    private LabGuest Guest => shared.Host.Guest;

    [Fact]
    public Task The_example_of_the_seeds_is_accepted_with_a_line_for_each_switch() => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            pids:
            - {prepared.Workloads.Ticker}
            services:
            - redis
            restore_net: false
            enable_quick_kexec: true
            enable_pin_memory: true
            enbale_debug_mode: false

            """));
        GuestCommandResult result = await shared.TouchesNothingAsync(
            [$"nvwa check {prepared.NewKernel}"], 0, "redis.service", $"{prepared.Workloads.Ticker}", prepared.NewKernel);
        Assert.Single(Lines(result), line => line.Contains("enable_quick_kexec", StringComparison.Ordinal));
        Assert.Single(Lines(result), line => line.Contains("enable_pin_memory", StringComparison.Ordinal));
    });

    [Fact]
    public Task Empty_lists_are_legal() => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync("pids:\nservices:\n");
        _ = await shared.TouchesNothingAsync([$"nvwa check {prepared.NewKernel}"], 0, "nothing to keep");
    });

    [Fact]
    public Task A_dry_run_tells_what_would_be_done_and_does_not_do_it() => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync(prepared.Workloads.Configuration);
        _ = await shared.TouchesNothingAsync(
            [$"nvwa update --dry-run --append 'lab.word=1' {prepared.NewKernel}"], 0,
            "redis.service", "redis-journal.service", "cron.service", prepared.NewKernel, "lab.word=1");
    });

    [Fact]
    public Task Init_removes_what_is_left_and_then_finds_nothing() => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync(prepared.Workloads.Configuration);
        string before = await HostState.ReadAsync(Guest);
        _ = await Guest.OutputOfAsync(
            $"""
            kexec -s -l /boot/vmlinuz-{prepared.NewKernel} --initrd=/boot/initrd.img-{prepared.NewKernel} --reuse-cmdline
            mkdir -p /var/nvwa/running/20260101T000000Z/redis && touch /var/nvwa/running/20260101T000000Z/redis/core-1.img
            """,
            Patience);
        HostState.Says(await Host.NvwaAsync("init"), "init", 0, "loaded kernel", "/var/nvwa/running/20260101T000000Z");
        Assert.Equal("0", (await Guest.OutputOfAsync("cat /sys/kernel/kexec_loaded; find /var/nvwa -name '*.img'")).Trim());
        HostState.Says(await Host.NvwaAsync("init"), "init", 0, "Nothing to remove");
        await shared.LookAgainAsync();
        // The units are where they were.
        Assert.Equal(Units(before), Units(await HostState.ReadAsync(Guest)));
    });

    [Theory]
    [InlineData("nvwa")]
    [InlineData("nvwa help")]
    [InlineData("nvwa h")]
    [InlineData("nvwa --help")]
    [InlineData("nvwa -h")]
    public Task Help_names_the_commands(string command) => Guest.KeepingEvidenceAsync(async () =>
        HostState.Says(await Guest.RunAsync(command, Patience), command, 0, "update", "check", "init", "status", "cancel", "help"));

    [Fact]
    public Task The_version_is_that_of_the_package() => Guest.KeepingEvidenceAsync(async () =>
        Assert.Equal(
            await Guest.OutputOfAsync("dpkg-query -W -f '${Version}\\n' nvwa"), await Guest.OutputOfAsync("nvwa --version")));

    [Fact]
    public Task Systemd_shows_the_daemon() => Guest.KeepingEvidenceAsync(async () =>
    {
        HostState.Says(
            await Guest.RunAsync("systemctl status --no-pager nvwa", Patience), "systemctl status nvwa", 0, "active (running)", "enabled");
        Assert.Equal("700", (await Guest.OutputOfAsync("stat -c %a /run/nvwa")).Trim());
    });

    [Fact]
    public Task Varlinkctl_speaks_with_the_daemon() => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync(prepared.Workloads.Configuration);
        Says(await Guest.RunAsync($"varlinkctl info {Socket}", Patience), "nvwa", "io.nvwa");
        Says(await Guest.RunAsync($"varlinkctl introspect {Socket} io.nvwa", Patience), "method Update", "method Status", "error Refused");
        Says(await Guest.RunAsync($"varlinkctl call {Socket} io.nvwa.Status '{{}}'", Patience), "kernel", prepared.OldKernel);
        Says(await Guest.RunAsync($"varlinkctl call {Socket} io.nvwa.Check '{{}}'", Patience), "redis.service", "pass");
        string[] wrong = ["Check '{\"version\":5}'", "Frobnicate '{}'", "Update '{}'", "Update '{\"version\":\"1.2.3\"}'"];
        _ = await shared.TouchesNothingAsync([.. wrong.Select(call => $"varlinkctl call {Socket} io.nvwa.{call}")], 1, "failed: ");
    });

    [Fact]
    public Task Clients_that_say_nothing_or_nonsense_or_go_away_harm_nobody() => Guest.KeepingEvidenceAsync(async () =>
    {
        // Twenty that are silent for as long as the others are answered; then garbage, half a message, and a megabyte without end.
        string daemon = await Guest.OutputOfAsync("systemctl show --value -p MainPID nvwa.service");
        _ = await Guest.OutputOfAsync(
            """
            cat >/run/clients.py <<'END'
            import socket, subprocess
            def client():
                one = socket.socket(socket.AF_UNIX)
                one.connect("/run/nvwa/nvwa.socket")
                return one
            silent = [client() for _ in range(20)]
            for words in (b"garbage\0", b'{"method": 5}\0', b'{"method"', b"\0" * 1000, b"[" * 100000 + b"\0", b"x" * (1 << 20)):
                one = client()
                try:
                    one.sendall(words)
                except OSError:
                    pass
                one.close()
            both = [subprocess.Popen(["nvwa", "status"]) for _ in range(3)]
            raise SystemExit(sum(one.wait() for one in both))
            END
            timeout 60 python3 /run/clients.py
            """,
            TimeSpan.FromMinutes(2));
        Assert.Equal(daemon, await Guest.OutputOfAsync("systemctl show --value -p MainPID nvwa.service"));
    });

    [Fact]
    public Task Completion_offers_the_kernels_of_this_host() => Guest.KeepingEvidenceAsync(async () =>
    {
        const string Complete = """
            bash -c '. /usr/share/bash-completion/completions/nvwa; COMP_WORDS=(nvwa update ""); COMP_CWORD=2; _nvwa; printf "%s\n" "${COMPREPLY[@]}"'
            """;
        string[] offered = (await Guest.OutputOfAsync(Complete)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([prepared.OldKernel, prepared.NewKernel], offered);
    });

    [Fact]
    public Task The_manual_page_is_there() => Guest.KeepingEvidenceAsync(async () =>
        Assert.Contains("nvwa", await Guest.OutputOfAsync("zcat /usr/share/man/man8/nvwa.8.gz"), StringComparison.Ordinal));

    private static void Says(GuestCommandResult result, params string[] said) => HostState.Says(result, "varlinkctl", 0, said);

    private static string[] Lines(GuestCommandResult result) => result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Units(string state) => state[state.IndexOf("MainPID=", StringComparison.Ordinal)..];
}
