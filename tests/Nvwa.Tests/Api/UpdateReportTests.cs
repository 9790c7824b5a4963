using Nvwa.Api;
using Nvwa.Core;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;
using static Nvwa.Tests.Updates;

namespace Nvwa.Tests.Api;

public sealed class UpdateReportTests
{
    [Fact]
    public void It_names_the_update_and_its_kernels()
    {
        var report = UpdateReport.Of(After());

        Assert.Equal((Id, "6.12.48", "7.0.1"), (report.Id, report.OldKernel, report.NewKernel));
        Assert.Equal((Phase.Switch, Outcome.None, null), (report.Phase, report.Outcome, report.Reason));
    }

    [Fact]
    public void Each_phase_lasts_until_the_next_and_the_last_one_still_does() => Assert.Equal(
        [
            new PhaseTime(Phase.Load, "2026-11-21T09:30:00.000Z", 10_000),
            new PhaseTime(Phase.Save, "2026-11-21T09:30:10.000Z", 3_000),
            new PhaseTime(Phase.Switch, "2026-11-21T09:30:13.000Z", null),
        ],
        UpdateReport.Of(After()).Phases);

    [Fact]
    public void A_saved_workload_has_no_new_process_and_no_blackout_yet() => Assert.Equal(
        new WorkloadReport("redis.service", WorkloadKind.Service, "redis.service", WorkloadStep.Saved, 612, null, 4096, null, null, null),
        UpdateReport.Of(After()).Workloads[0]);

    [Fact]
    public void A_restored_workload_has_its_process_and_its_blackout()
    {
        var report = UpdateReport.Of(After(
            new Attempted("redis.service", NewBoot, At(20)), new Resuming("redis.service", NewBoot, At(21)), new Restored("redis.service", 613, At(22))));

        WorkloadReport redis = report.Workloads[0];
        Assert.Equal((WorkloadStep.Restored, 612, 613), (redis.Step, redis.PidBefore, redis.PidAfter!.Value));
        Assert.Equal(12_000, redis.Blackout!.Milliseconds);
        Assert.Null(report.Workloads[1].Blackout);
    }

    [Fact]
    public void A_workload_that_was_not_restored_has_a_reason_and_a_log()
    {
        WorkloadReport job = UpdateReport.Of(After(new NotRestored("1800", Fate.Lost, "its PID is taken", "/log", At(20)))).Workloads[2];

        Assert.Equal((WorkloadStep.Lost, null, "its PID is taken", "/log"), (job.Step, job.PidAfter, job.Reason, job.Log));
    }

    [Fact]
    public void The_network_is_told_only_where_it_was_to_be_restored()
    {
        Assert.Null(UpdateReport.Of(After()).Network);
        Assert.Equal(NetworkStep.NotRestored, UpdateReport.Of(After(new NetworkSaved(1, "x", At(20)), new NetworkNotRestored(NewBoot, "no", At(21)))).Network);
    }

    [Fact]
    public void A_rollback_says_why_what_was_restarted_and_what_went_wrong()
    {
        var report = UpdateReport.Of(After(new RolledBack(Phase.Save, "no room", ["cron.service"], ["trouble"], At(20))));

        Assert.Equal((Outcome.RolledBack, "no room"), (report.Outcome, report.Reason));
        Assert.Equal(["cron.service"], report.Restarted);
        Assert.Equal(["trouble"], report.Troubles);
    }
}
