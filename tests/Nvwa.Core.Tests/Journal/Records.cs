using Nvwa.Core.Journal;
using Nvwa.Core.Planning;

namespace Nvwa.Core.Tests.Journal;

/// <summary>One record of every type, with every property set to something that is not its default.</summary>
internal static class Records
{
    public const string OldBoot = "0b5e0f3a-old";
    public const string NewBoot = "9c41d2ee-new";

    public static Workload Redis { get; } = new(
        "redis.service", WorkloadKind.Service, "redis.service", 612, [612, 613], ServiceType.Notify, [new ExternalSocket(9317)])
    {
        Sandbox = ["mnt", "net"],
        NoExec = true,
        OwnIpc = true,
        Watchdog = 30_000_000,
        Identifier = "redis-server",
        UnitFiles = "deadbeef",
    };

    public static Workload Job { get; } = new("1800", WorkloadKind.Process, "nvwa-1800.scope", 1800, [1800], ServiceType.None, []);

    public static Workload Web { get; } = new("web", WorkloadKind.Service, "web-vm.service", 901, [], ServiceType.None, [])
    {
        Machine = new VirtualMachine("/run/web.qmp", ["/usr/bin/qemu-system-x86_64", "-S"], IsLive: true, ["/srv/web.qcow2"], ["/dev/dax0.0"]) { OldProgram = "/opt/qemu", Sleeps = "/run/web.agent" },
    };

    public static Opened Opened { get; } = new(
        "20261121T093000Z", "6.12.48-amd64", "7.0.1-amd64", OldBoot, "/var/nvwa/running/20261121T093000Z", "/usr/sbin/criu", true, At(1));

    /// <summary>The golden journal holds exactly these; see Golden/make-journals.py.</summary>
    public static IReadOnlyList<JournalRecord> All { get; } =
    [
        Opened,
        new PhaseEntered(Phase.Load, At(2)),
        new Planned([Redis, Job, Web], ["cron.service", "ssh.socket"], new RtcTick(1795253400, 3_000_000_003), 30),
        new Addressed([new KeptAddress("10.0.2.15", 24, "ens3", 1795339800000000000), new KeptAddress("fd66::2", 64, "ens3")]),
        new NetworkSaved(4711, "5ca1ab1e", At(3)),
        new Locked("redis.service", [new KeptEndpoint("tcp", "10.0.2.15:6379", "10.0.2.2:50123"), new KeptEndpoint("udp", "[::]:5353", null)]),
        new AllFrozen(At(4), At(5)),
        new Saved("redis.service", 1234567890123, At(6), "0badcafe", At(5)),
        new Committed(At(7)),
        new Revoked("the kernel returned from the jump"),
        new RolledBack(Phase.Switch, "Switch: out of \"luck\"", ["cron.service"], ["start ssh.socket: failed"], At(8)),
        new NetworkAttempted(NewBoot, At(9)),
        new NetworkRestored(NewBoot, ["link tun0 (tun) is not there"], At(9)),
        new NetworkNotRestored(NewBoot, "set up link eth0: Connection timed out", At(9)),
        new Arrived(NewBoot, "7.0.1-amd64", At(9)),
        new Attempted("redis.service", NewBoot, At(10)),
        new Resuming("redis.service", NewBoot, At(11)),
        new Restored("redis.service", 612, At(12)),
        new NotRestored("1800", Fate.Lost, "its PID is taken", "/var/nvwa/running/1800/restore.log", At(13)),
        new Closed(Outcome.Degraded, new RtcTick(1795253414, 14_000_000_014), At(14), ["no packet lock"]),
    ];

    /// <summary>As the version before wrote them: Golden/make-journals.py.</summary>
    public static IReadOnlyList<JournalRecord> Fourth { get; } =
    [
        .. All.Select(record => record switch
        {
            Planned planned => planned with { Workloads = [Redis, Job] },
            Saved saved => saved with { Stopped = null },
            _ => record,
        }),
    ];

    /// <summary>As the one before that.</summary>
    public static IReadOnlyList<JournalRecord> Third { get; } =
    [
        .. Fourth.Where(record => record is not (Addressed or NetworkSaved or NetworkAttempted or NetworkRestored or NetworkNotRestored)),
    ];

    /// <summary>As the second version wrote them.</summary>
    public static IReadOnlyList<JournalRecord> Second { get; } =
    [
        .. Third.Select(record => record is Planned planned ? planned with { Workloads = [Redis with { Sandbox = [], NoExec = false, OwnIpc = false, Watchdog = 0, Identifier = null, UnitFiles = null }, Job] } : record),
    ];

    /// <summary>As the first version wrote them.</summary>
    public static IReadOnlyList<JournalRecord> First { get; } =
    [
        .. Second.Select(record => record switch
        {
            Planned planned => planned with { PanicTimeout = null },
            Saved saved => saved with { Digest = null },
            Closed closed => closed with { Troubles = null },
            _ => record,
        }),
    ];

    /// <summary>The same shapes with everything absent or empty that may be.</summary>
    public static IReadOnlyList<JournalRecord> Sparse { get; } =
    [
        new Opened("", "", "", "", "", "", false, default),
        new Planned([], [], null),
        new Locked("", []),
        new RolledBack(Phase.Check, "", [], [], default),
        new NotRestored("x", Fate.ColdStarted, "", null, default),
        new Closed(Outcome.Updated, null, default),
        new Revoked("Grüße, 内核 \u0001\uFEFF\"\\\n"),
        new Saved("x", long.MaxValue, new Stamp(long.MinValue, long.MaxValue)),
    ];

    /// <summary>A second apart by both clocks.</summary>
    public static Stamp At(int second) => new(second * 1_000_000_001L, 1_795_253_400_000_000_000 + (second * 1_000_000_000L));
}
