using Nvwa.Core.Checks;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;

namespace Nvwa.Core.Tests;

/// <summary>
/// Names and numbers that stand in journals and scripts. A test that fails here says: what was written by an earlier
/// version would be read as something else.
/// </summary>
public sealed class FrozenNumbersTests
{
    [Fact]
    public void Phases() => Frozen<Phase>(
        "None=0 Check=1 Load=2 Prepare=3 Quiesce=4 Save=5 Switch=6 Restore=7 Confirm=8 RollBack=9");

    [Fact]
    public void Fates() => Frozen<Fate>("None=0 ColdStarted=1 Lost=2");

    [Fact]
    public void Outcomes() => Frozen<Outcome>("None=0 Updated=1 Degraded=2 RolledBack=3 Interrupted=4 Discarded=5");

    [Fact]
    public void Kinds_of_workloads() => Frozen<WorkloadKind>("None=0 Process=1 Service=2");

    [Fact]
    public void Types_of_services() => Frozen<ServiceType>("None=0 Simple=1 Exec=2 Notify=3 NotifyReload=4 Idle=5 Forking=6 Oneshot=7");

    [Fact]
    public void Steps_of_workloads() => Frozen<WorkloadStep>(
        "None=0 Planned=1 Saved=2 Attempted=3 Resuming=4 Restored=5 ColdStarted=6 Lost=7");

    [Fact]
    public void Verdicts_in_their_order_of_gravity() => Frozen<Verdict>("None=0 Pass=1 Unknown=2 Warn=3 Refuse=4 Invalid=5");

    private static void Frozen<T>(string expected)
        where T : struct, Enum =>
        Assert.Equal(expected, string.Join(' ', Enum.GetValues<T>().Select(value => $"{value}={Convert.ToInt32(value, null)}")));
}
