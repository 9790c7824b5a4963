using Nvwa.Core.Journal;

namespace Nvwa.Core.Tests.Journal;

public sealed class UpdateStateTests
{
    private static readonly Stamp At = Records.At(20);

    private static readonly JournalRecord[] Planned = [Records.Opened, new Planned([Records.Redis, Records.Job], ["cron.service"], new RtcTick(1, 2))];

    [Fact]
    public void A_journal_without_a_first_record_tells_nothing()
    {
        Assert.Null(UpdateState.Of([]));
        Assert.Null(UpdateState.Of([new Committed(At), new Revoked("x")]));
    }

    [Fact]
    public void An_opened_update_is_in_its_check_and_has_touched_nothing()
    {
        UpdateState state = UpdateState.Of([Records.Opened])!;

        Assert.Equal("20261121T093000Z", state.Id);
        Assert.Equal(Phase.Check, state.Phase);
        Assert.Equal(Outcome.None, state.Outcome);
        Assert.True(state.IsOpen);
        Assert.False(state.IsCommitted);
        Assert.Empty(state.Workloads);
        Assert.Empty(state.StopList);
    }

    [Fact]
    public void The_phase_is_the_last_that_was_entered()
    {
        UpdateState state = Fold(new PhaseEntered(Phase.Load, At), new PhaseEntered(Phase.Prepare, At));

        Assert.Equal(Phase.Prepare, state.Phase);
        Assert.Equal([Phase.Load, Phase.Prepare], state.Phases.Select(entered => entered.Phase));
    }

    [Fact]
    public void The_plan_names_what_is_kept_and_what_is_stopped()
    {
        UpdateState state = Fold();

        Assert.Equal(["redis.service", "1800"], state.Workloads.Select(workload => workload.Workload.Name));
        Assert.All(state.Workloads, workload => Assert.Equal(WorkloadStep.Planned, workload.Step));
        Assert.Equal(["cron.service"], state.StopList);
        Assert.Equal(new RtcTick(1, 2), state.OldRtc);
        Assert.Equal(1800, state.Find("1800")!.Workload.MainPid);
        Assert.Equal("1800", state.FindUnit("nvwa-1800.scope")!.Workload.Name);
        Assert.Null(state.Find("redis"));
        Assert.Null(state.FindUnit("redis"));
    }

    [Fact]
    public void A_locked_workload_has_its_endpoints()
    {
        UpdateState state = Fold(new Locked("redis.service", [new("tcp", "1.2.3.4:5", null)]));

        Assert.Equal("1.2.3.4:5", Assert.Single(state.Find("redis.service")!.Endpoints).Local);
        Assert.Empty(state.Find("1800")!.Endpoints);
    }

    [Fact]
    public void A_workload_goes_from_saved_to_restored()
    {
        WorkloadState saved = Redis(new Saved("redis.service", 42, Records.At(1)));
        Assert.Equal((WorkloadStep.Saved, 42, Records.At(1)), (saved.Step, saved.ImageBytes, saved.SavedAt!.Value));
        Assert.True(saved.IsPending("b"));
        Assert.False(saved.IsSettled);

        WorkloadState attempted = Redis(
            new Saved("redis.service", 42, Records.At(1)), new Attempted("redis.service", "b", Records.At(3)));
        Assert.Equal((WorkloadStep.Attempted, 1, Records.At(3)), (attempted.Step, attempted.Attempts, attempted.AttemptedAt!.Value));
        Assert.True(attempted.IsPending("b"));
        Assert.False(attempted.IsSettled);

        WorkloadState resuming = Redis(
            new Saved("redis.service", 42, Records.At(1)), new Attempted("redis.service", "b", Records.At(2)), new Resuming("redis.service", "b", Records.At(4)));
        Assert.Equal((WorkloadStep.Resuming, Records.At(4)), (resuming.Step, resuming.ResumedAt!.Value));
        Assert.False(resuming.IsPending("b"));
        Assert.False(resuming.IsSettled);

        WorkloadState restored = Redis(
            new Saved("redis.service", 42, Records.At(1)), new Attempted("redis.service", "b", Records.At(2)),
            new Resuming("redis.service", "b", Records.At(4)), new Restored("redis.service", 612, Records.At(5)));
        Assert.Equal((WorkloadStep.Restored, 612, Records.At(5)), (restored.Step, restored.MainPid, restored.RestoredAt!.Value));
        Assert.False(restored.IsPending("b"));
        Assert.True(restored.IsSettled);
    }

    /// <summary>A restore that takes the machine down must not do so at every boot.</summary>
    [Fact]
    public void Images_are_tried_in_one_boot_only_and_twice_at_most()
    {
        var saved = new Saved("redis.service", 42, Records.At(1));
        var attempted = new Attempted("redis.service", "b", Records.At(2));

        Assert.Null(Redis(saved).Obstacle("any"));
        Assert.Null(Redis(saved, attempted).Obstacle("b"));
        Assert.Contains("went down while", Redis(saved, attempted).Obstacle("later"), StringComparison.Ordinal);
        Assert.Contains("2 attempts", Redis(saved, attempted, attempted).Obstacle("b"), StringComparison.Ordinal);
        Assert.Contains("consumed", Redis(saved, attempted, new Resuming("redis.service", "b", At)).Obstacle("b"), StringComparison.Ordinal);
    }

    [Fact]
    public void Many_endpoints_come_in_several_records()
    {
        WorkloadState redis = Redis(
            new Locked("redis.service", [new("tcp", "1.2.3.4:5", null)]),
            new Locked("redis.service", [new("tcp", "1.2.3.4:6", null)]));

        Assert.Equal(["1.2.3.4:5", "1.2.3.4:6"], redis.Endpoints.Select(endpoint => endpoint.Local));
    }

    [Theory]
    [InlineData(Fate.ColdStarted, WorkloadStep.ColdStarted)]
    [InlineData(Fate.Lost, WorkloadStep.Lost)]
    public void A_workload_that_was_not_restored_says_why(Fate fate, WorkloadStep step)
    {
        WorkloadState failed = Redis(new Saved("redis.service", 42, At), new NotRestored("redis.service", fate, "no luck", "/log", At));

        Assert.Equal((step, "no luck", "/log"), (failed.Step, failed.Reason, failed.Log));
        Assert.False(failed.IsPending("b"));
        Assert.True(failed.IsSettled);
    }

    [Fact]
    public void A_saved_workload_is_pending_at_most_until_its_images_are_consumed()
    {
        WorkloadStep[] pending = [.. Enum.GetValues<WorkloadStep>().Where(step => new WorkloadState(Records.Redis, step) { AttemptedIn = "b" }.IsPending("b"))];

        Assert.Equal([WorkloadStep.Saved, WorkloadStep.Attempted], pending);
    }

    [Fact]
    public void What_is_told_of_a_stranger_changes_no_workload()
    {
        UpdateState before = Fold();
        UpdateState after = Fold(new Saved("stranger", 1, At), new Resuming("stranger", "b", At), new Locked("stranger", []));

        Assert.Equal(before.Workloads, after.Workloads);
    }

    [Fact]
    public void A_commit_counts_until_it_is_revoked()
    {
        Assert.False(Fold().IsCommitted);
        Assert.True(Fold(new Committed(At)).IsCommitted);

        UpdateState revoked = Fold(new Committed(At), new Revoked("the jump returned"));
        Assert.False(revoked.IsCommitted);
        Assert.Equal("the jump returned", revoked.RevokedBecause);
        Assert.True(revoked.IsOpen);
    }

    [Theory]
    [InlineData(Outcome.Updated)]
    [InlineData(Outcome.Degraded)]
    [InlineData(Outcome.Interrupted)]
    [InlineData(Outcome.Discarded)]
    public void A_closed_update_says_how_it_ended(Outcome outcome)
    {
        UpdateState state = Fold(new Closed(outcome, null, At));

        Assert.False(state.IsOpen);
        Assert.Equal(outcome, state.Outcome);
    }

    [Fact]
    public void A_rolled_back_update_is_closed()
    {
        UpdateState state = Fold(new RolledBack(Phase.Save, "a dump failed", ["cron.service"], [], At));

        Assert.False(state.IsOpen);
        Assert.Equal(Outcome.RolledBack, state.Outcome);
        Assert.Equal("a dump failed", state.RollBack!.Reason);
    }

    [Fact]
    public void A_freeze_and_an_arrival_are_remembered()
    {
        UpdateState state = Fold(new AllFrozen(Records.At(1), Records.At(2)), new Arrived(Records.NewBoot, "7.0", At));

        Assert.Equal(Records.At(2), state.Freeze!.At);
        Assert.Equal(Records.NewBoot, state.Arrival!.BootId);
    }

    /// <summary>Every combination of: how it ended, which boot asks, whether it was committed, and revoked.</summary>
    [Theory]
    [InlineData("open", true, false, false, NextStep.RollBack)]
    [InlineData("open", true, true, false, NextStep.RollBack)]
    [InlineData("open", true, true, true, NextStep.RollBack)]
    [InlineData("open", true, false, true, NextStep.RollBack)]
    [InlineData("open", false, false, false, NextStep.CloseInterrupted)]
    [InlineData("open", false, true, false, NextStep.Restore)]
    [InlineData("open", false, true, true, NextStep.CloseInterrupted)]
    [InlineData("open", false, false, true, NextStep.CloseInterrupted)]
    [InlineData("closed", true, false, false, NextStep.Nothing)]
    [InlineData("closed", true, true, false, NextStep.Nothing)]
    [InlineData("closed", true, true, true, NextStep.Nothing)]
    [InlineData("closed", false, false, false, NextStep.Nothing)]
    [InlineData("closed", false, true, false, NextStep.Nothing)]
    [InlineData("closed", false, true, true, NextStep.Nothing)]
    [InlineData("rolled back", true, false, false, NextStep.Nothing)]
    [InlineData("rolled back", true, true, true, NextStep.Nothing)]
    [InlineData("rolled back", false, false, false, NextStep.Nothing)]
    [InlineData("rolled back", false, true, false, NextStep.Nothing)]
    [InlineData("rolled back", false, true, true, NextStep.Nothing)]
    public void The_journal_alone_says_what_to_do_next(string end, bool sameBoot, bool committed, bool revoked, NextStep expected)
    {
        List<JournalRecord> records = [];
        if (committed)
        {
            records.Add(new Committed(At));
        }

        if (revoked)
        {
            records.Add(new Revoked("x"));
        }

        if (end == "closed")
        {
            records.Add(new Closed(Outcome.Updated, null, At));
        }

        if (end == "rolled back")
        {
            records.Add(new RolledBack(Phase.Save, "x", [], [], At));
        }

        Assert.Equal(expected, Fold([.. records]).Next(sameBoot ? Records.OldBoot : Records.NewBoot));
    }

    [Fact]
    public void A_power_cut_between_any_two_records_leaves_an_update_that_can_be_ended()
    {
        JournalRecord[] whole =
        [
            .. Planned, new PhaseEntered(Phase.Save, At), new Saved("redis.service", 1, At), new Saved("1800", 1, At), new Committed(At),
            new Arrived(Records.NewBoot, "7.0", At), new Attempted("redis.service", Records.NewBoot, At), new Resuming("redis.service", Records.NewBoot, At),
            new Restored("redis.service", 612, At), new Attempted("1800", Records.NewBoot, At), new NotRestored("1800", Fate.Lost, "x", null, At),
            new Closed(Outcome.Degraded, null, At),
        ];
        int commit = Array.FindIndex(whole, record => record is Committed);
        int consumed = Array.FindIndex(whole, record => record is Resuming);

        for (int written = 1; written <= whole.Length; written++)
        {
            UpdateState state = UpdateState.Of(whole[..written])!;

            NextStep expected = written == whole.Length ? NextStep.Nothing : written > commit ? NextStep.Restore : NextStep.CloseInterrupted;
            Assert.Equal(expected, state.Next("a boot after the power cut"));
            if (expected == NextStep.Restore)
            {
                Assert.Equal(written <= consumed, state.Find("redis.service")!.IsPending(Records.NewBoot));
            }
        }
    }

    [Fact]
    public void A_record_of_a_type_nobody_knows_is_an_error() =>
        Assert.Throws<InvalidDataException>(() => UpdateState.Of([Records.Opened, new Strange()]));

    [Fact]
    public void The_network_is_applied_once_in_a_boot_and_no_more_once_that_took_the_machine_down()
    {
        const string Later = "a boot after that";
        NetworkSaved saved = new(7, "x", At);
        NetworkAttempted attempted = new(Records.NewBoot, At);

        Assert.Null(Fold().Network);
        Assert.Equal(new NetworkState(NetworkStep.Saved, 7, "x"), Fold(saved).Network);
        Assert.Null(Obstacle(Records.NewBoot));
        Assert.Equal("its application did not come to an end, and nobody knows how far it came", Obstacle(Records.NewBoot, attempted));
        Assert.Equal("the machine went down while it was being applied", Obstacle(Later, attempted));
        Assert.Equal("no", Obstacle(Records.NewBoot, attempted, new NetworkNotRestored(Records.NewBoot, "no", At)));
        Assert.Null(Obstacle(Later, attempted, new NetworkNotRestored(Records.NewBoot, "no", At)));
        Assert.Equal("it is in place already", Obstacle(Records.NewBoot, attempted, new NetworkRestored(Records.NewBoot, [], At)));
        Assert.Null(Obstacle(Later, attempted, new NetworkRestored(Records.NewBoot, [], At)));

        string? Obstacle(string boot, params JournalRecord[] records) => Fold([saved, .. records]).Network!.Obstacle(boot);
    }

    /// <summary>Whoever wrote such a journal, it is no reason to break.</summary>
    [Fact]
    public void Without_a_saved_network_its_later_records_say_nothing() =>
        Assert.Null(Fold(new NetworkAttempted(Records.NewBoot, At), new NetworkRestored(Records.NewBoot, [], At)).Network);

    private static UpdateState Fold(params JournalRecord[] records) => UpdateState.Of([.. Planned, .. records])!;

    private static WorkloadState Redis(params JournalRecord[] records) => Fold(records).Find("redis.service")!;

    private sealed record Strange : JournalRecord;
}
