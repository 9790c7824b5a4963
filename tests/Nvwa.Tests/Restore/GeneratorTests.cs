using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using Nvwa.Restore;
using static Nvwa.Tests.Updates;

namespace Nvwa.Tests.Restore;

public sealed class GeneratorTests
{
    private const string RedisDropIn = "redis.service.d/zz-nvwa.conf";

    [Fact]
    public void The_start_of_a_kept_service_becomes_its_restore() => Assert.Equal(
        """
        # Made by nvwa while redis.service waits to be restored; gone once the update is confirmed.
        [Unit]
        After=nvwa-lock.service nvwa-network.service
        RequiresMountsFor="/var/nvwa/running/20261121T093000Z"
        ConditionPathExists=
        AssertPathExists=

        [Service]
        NotifyAccess=all
        TimeoutStartSec=infinity
        Restart=no
        # Nothing of a restore that ended may stay beside a cold start.
        KillMode=control-group
        SendSIGKILL=yes
        PIDFile=
        # Limits of the service are none of its restore; what comes back has its own, and those of its group hold again once this is gone.
        LimitAS=infinity
        LimitCPU=infinity
        LimitDATA=infinity
        LimitFSIZE=infinity
        LimitNOFILE=524288
        LimitNPROC=infinity
        MemoryHigh=infinity
        MemoryMax=infinity
        TasksMax=infinity
        CPUQuota=
        ExecCondition=
        ExecStartPre=
        ExecStart=
        ExecStartPost=
        Type=notify
        ExecStart=+/usr/bin/nvwa resume redis.service

        """,
        Files(After())[RedisDropIn]);

    /// <summary>Else its own ExecStart= would start the service cold, beside its restore.</summary>
    [Fact]
    public void What_an_operator_has_edited_does_not_count_after_the_restore() =>
        Assert.All(["override.conf", "99-local.conf"], edited => Assert.True(string.CompareOrdinal(edited, Path.GetFileName(RedisDropIn)) < 0));

    [Fact]
    public void A_committed_update_brings_the_lock_the_daemon_and_each_workload() => Assert.Equal(
        [
            "multi-user.target.wants/nvwa-resume@1800.service -> /usr/lib/systemd/system/nvwa-resume@.service",
            "multi-user.target.wants/nvwa.service -> /usr/lib/systemd/system/nvwa.service",
            "nvwa-resume@1800.service.d/zz-nvwa.conf",
            RedisDropIn,
            "sysinit.target.wants/nvwa-lock.service -> /usr/lib/systemd/system/nvwa-lock.service",
            "web@1.service.d/zz-nvwa.conf",
        ],
        Files(After()).Select(file => file.Value.StartsWith('/') ? $"{file.Key} -> {file.Value}" : file.Key).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData(ServiceType.Notify, new[] { "mnt", "noexec" }, "ExecPaths=/usr/bin/sleep /usr/bin/setsid\nType=exec\nWatchdogSec=0\nExecStart=/usr/bin/sleep infinity\nExecStartPost=+/usr/bin/nsenter --target=1 --mount -- /usr/bin/nvwa resume redis.service\n")]
    [InlineData(ServiceType.Forking, new[] { "net" }, "Type=exec\nWatchdogSec=0\nExecStart=/usr/bin/sleep infinity\nExecStartPost=+/usr/bin/nsenter --target=1 --mount -- /usr/bin/nvwa resume redis.service\n")]
    [InlineData(ServiceType.Forking, new string[0], "Type=notify\nExecStart=+/usr/bin/nvwa resume redis.service\n")]
    [InlineData(ServiceType.Oneshot, new string[0], "ExecStartPost=\nExecStart=+/usr/bin/nvwa resume redis.service\n")]
    [InlineData(ServiceType.Oneshot, new[] { "mnt" }, "ExecStartPost=\nExecStart=/usr/bin/setsid --fork /usr/bin/sleep infinity\nExecStart=+/usr/bin/nsenter --target=1 --mount -- /usr/bin/nvwa resume redis.service\n")]
    public void A_unit_with_a_sandbox_starts_a_holder_in_it_and_the_restore_beside_it(object type, string[] sandbox, string start)
    {
        Workload workload = Redis with { ServiceType = (ServiceType)type, Sandbox = [.. sandbox.Except(["noexec"])], NoExec = sandbox.Contains("noexec") };
        IEnumerable<JournalRecord> records = UpToCommit.Select(record => record is Planned planned ? planned with { Workloads = [workload] } : record);

        Assert.EndsWith(start, Files(UpdateState.Of(records))[RedisDropIn].TrimEnd('\n') + "\n", StringComparison.Ordinal);
    }

    [Fact]
    public void Its_output_keeps_the_name_that_the_journal_has_it_by()
    {
        IEnumerable<JournalRecord> records = UpToCommit.Select(record => record is Planned planned ? planned with { Workloads = [Redis with { Identifier = "redis 100%" }] } : record);

        Assert.Contains("\nSyslogIdentifier=redis 100%%\n", Files(UpdateState.Of(records))[RedisDropIn], StringComparison.Ordinal);
    }

    [Fact]
    public void The_network_is_restored_only_where_it_was_saved()
    {
        const string Unit = "sysinit.target.wants/nvwa-network.service";

        Assert.DoesNotContain(Unit, Files(After()));
        Assert.Equal("/usr/lib/systemd/system/nvwa-network.service", Files(After(new NetworkSaved(1, "x", At(20))))[Unit]);
    }

    [Fact]
    public void Without_a_journal_nothing_is_written() => Assert.Empty(Files(null));

    [Fact]
    public void Without_a_commit_nothing_is_written() =>
        Assert.Empty(Files(UpdateState.Of(UpToCommit.Where(record => record is not Committed))));

    [Fact]
    public void After_a_revocation_nothing_is_written() => Assert.Empty(Files(After(new Revoked("x"))));

    [Fact]
    public void On_the_boot_that_was_saved_nothing_is_written() => Assert.Empty(Generator.Files(After(), OldBoot));

    [Theory]
    [InlineData(Outcome.Updated)]
    [InlineData(Outcome.Degraded)]
    [InlineData(Outcome.Discarded)]
    [InlineData(Outcome.Interrupted)]
    public void Once_the_update_is_closed_nothing_is_written(object outcome) =>
        Assert.Empty(Files(After(new Closed((Outcome)outcome, null, At(20)))));

    [Fact]
    public void After_a_rollback_nothing_is_written() =>
        Assert.Empty(Files(After(new Revoked("x"), new RolledBack(Core.Phase.Switch, "x", [], [], At(20)))));

    /// <summary>A reload in the middle must not take the type away under a service that is just becoming ready.</summary>
    [Fact]
    public void The_drop_in_stays_from_the_first_attempt_until_the_update_is_closed()
    {
        JournalRecord[] steps =
        [
            new Attempted("redis.service", NewBoot, At(20)), new Resuming("redis.service", NewBoot, At(21)), new Restored("redis.service", 612, At(22)),
        ];

        for (int done = 0; done <= steps.Length; done++)
        {
            Assert.Contains(RedisDropIn, Files(After(steps[..done])));
        }
    }

    [Fact]
    public void A_service_that_is_started_cold_starts_without_the_drop_in()
    {
        IReadOnlyDictionary<string, string> files = Files(After(new NotRestored("redis.service", Fate.ColdStarted, "x", null, At(20))));

        Assert.DoesNotContain(RedisDropIn, files);
        Assert.Contains("web@1.service.d/zz-nvwa.conf", files);
    }

    [Fact]
    public void A_process_is_resumed_until_its_images_are_consumed()
    {
        const string Resume = "multi-user.target.wants/nvwa-resume@1800.service";

        Assert.Contains(Resume, Files(After(new Attempted("1800", NewBoot, At(20)))));
        Assert.DoesNotContain(Resume, Files(After(new Resuming("1800", NewBoot, At(20)))));
        Assert.DoesNotContain(Resume, Files(After(new Restored("1800", 1800, At(20)))));
        Assert.DoesNotContain(Resume, Files(After(new NotRestored("1800", Fate.Lost, "x", null, At(20)))));
    }

    [Fact]
    public void A_workload_that_was_only_planned_has_no_images_and_is_not_restored() =>
        Assert.DoesNotContain(RedisDropIn, Files(UpdateState.Of(UpToCommit.Where(record => record is not Saved))));

    [Fact]
    public void Files_and_links_are_written_below_the_directory_of_the_generator()
    {
        using TemporaryDirectory directory = new();

        Assert.Equal(ExitCode.Done, Generator.Write(After(), NewBoot, directory.Path));

        Assert.Equal(Files(After())[RedisDropIn], File.ReadAllText(directory[RedisDropIn]));
        Assert.Equal("/usr/lib/systemd/system/nvwa-lock.service", new FileInfo(directory["sysinit.target.wants/nvwa-lock.service"]).LinkTarget);
    }

    [Fact]
    public void With_nothing_to_restore_nothing_is_written_at_all()
    {
        using TemporaryDirectory directory = new();

        Assert.Equal(ExitCode.Done, Generator.Write(null, NewBoot, directory.Path));

        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    private static IReadOnlyDictionary<string, string> Files(UpdateState? state) => Generator.Files(state, NewBoot);
}
