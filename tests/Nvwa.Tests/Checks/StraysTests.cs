using Nvwa.Linux;
using Nvwa.Update;

namespace Nvwa.Tests.Checks;

/// <summary>A unit whose processes come and go is looked at in two steps: the table of all processes, then its control group.</summary>
public sealed class StraysTests
{
    [Fact]
    public async Task A_process_born_or_ended_between_the_two_is_none()
    {
        ProcessTree tree = ProcessTable.Read().Tree(Environment.ProcessId)!;
        using ChildProcess ended = Spawn.Start(new SpawnRequest("/bin/true", []));
        _ = await ended.WaitAsync(CancellationToken.None);
        using ChildProcess born = Spawn.Start(new SpawnRequest("/bin/sleep", ["600"]));
        try
        {
            Assert.Empty(Discovery.Strays([Environment.ProcessId, ended.Pid, born.Pid], tree));
        }
        finally
        {
            _ = born.Kill();
            _ = await born.WaitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public void A_process_of_another_parent_is_one() =>
        Assert.Equal([1], Discovery.Strays([Environment.ProcessId, 1], ProcessTable.Read().Tree(Environment.ProcessId)!));
}
