using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;

namespace Nvwa.Tests;

/// <summary>The records of an update, to be cut short where a test needs it.</summary>
internal static class Updates
{
    public const string Id = "20261121T093000Z";
    public const string OldBoot = "old";
    public const string NewBoot = "new";

    public static Workload Redis { get; } = new(
        "redis.service", WorkloadKind.Service, "redis.service", 612, [612], ServiceType.Notify, [new ExternalSocket(9317)]);

    public static Workload Web { get; } = new("web@1.service", WorkloadKind.Service, "web@1.service", 700, [700], ServiceType.Simple, []);

    public static Workload Job { get; } = new("1800", WorkloadKind.Process, "nvwa-1800.scope", 1800, [1800], ServiceType.None, []);

    /// <summary>Up to and with the commit.</summary>
    public static IReadOnlyList<JournalRecord> UpToCommit { get; } =
    [
        Opened(Id),
        new PhaseEntered(Phase.Load, At(0)),
        new Planned([Redis, Web, Job], ["cron.service"], null),
        new PhaseEntered(Phase.Save, At(10)),
        new AllFrozen(At(10), At(11)),
        new Saved("redis.service", 4096, At(12)),
        new Saved("web@1.service", 8192, At(12)),
        new Saved("1800", 100, At(12)),
        new PhaseEntered(Phase.Switch, At(13)),
        new Committed(At(14)),
    ];

    public static Opened Opened(string id) => new(id, "6.12.48", "7.0.1", OldBoot, $"/var/nvwa/running/{id}", "/usr/sbin/criu", false, At(0));

    public static UpdateState After(params JournalRecord[] further) => UpdateState.Of([.. UpToCommit, .. further])!;

    /// <summary>Seconds after 2026-11-21 09:30:00 UTC.</summary>
    public static Stamp At(int second) => new(second * 1_000_000_000L, (1_795_253_400L + second) * 1_000_000_000L);
}
