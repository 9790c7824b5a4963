using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Tests.Hosts;

/// <summary>Real groups with real processes, which come back as a restore finds them: gone, and the processes elsewhere.</summary>
public sealed class ControlGroupsTests : IDisposable
{
    private readonly string _top = Path.Join(ProcFs.ControlGroupRoot(), $"nvwa-test-{Guid.NewGuid():N}");
    private readonly ChildProcess _main = Spawn.Start(new SpawnRequest("sleep", ["600"]));
    private readonly ChildProcess _worker = Spawn.Start(new SpawnRequest("sleep", ["600"]));

    public void Dispose()
    {
        foreach (ChildProcess process in new[] { _main, _worker })
        {
            process.Kill();
            process.WaitAsync(CancellationToken.None).GetAwaiter().GetResult();
        }

        _main.Dispose();
        _worker.Dispose();
        Directory.CreateDirectory(_top);
        foreach (string group in Directory.GetDirectories(_top, "*", SearchOption.AllDirectories).OrderByDescending(path => path.Length).Append(_top))
        {
            Directory.Delete(group);
        }
    }

    [Fact]
    public async Task Processes_come_back_in_the_groups_that_they_were_in()
    {
        Put("main", _main);
        Put("workers/one", _worker);
        Directory.CreateDirectory(Path.Join(_top, ".control"));
        IReadOnlyList<FrozenGroup> saved = new ControlGroups(_top).Read();
        Assert.Equal(["", "main", "workers", "workers/one"], saved.Select(group => group.Path));
        Put("", _main);
        Put("", _worker);
        Array.ForEach(["workers/one", "workers", "main"], group => Directory.Delete(Path.Join(_top, group)));

        var groups = new ControlGroups(_top);
        await groups.MakeAsync(saved, _main.Pid, [_worker.Pid]);
        Assert.Equal(Path.GetFileName(_top) + "/main", GroupOf(_worker));
        groups.Fill(saved);

        Assert.Equal(Path.GetFileName(_top) + "/main", GroupOf(_main));
        Assert.Equal(Path.GetFileName(_top) + "/workers/one", GroupOf(_worker));
        Assert.Empty(groups.Settle(saved));
    }

    [Fact]
    public void A_setting_that_a_kernel_does_not_take_is_named()
    {
        Put("", _main);
        FrozenGroup group = new("", [], [], new Dictionary<string, string> { ["nvwa.max"] = "7\n" });

        Assert.Contains("nvwa.max could not be set to 7", Assert.Single(new ControlGroups(_top).Settle([group])), StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_is_in_can_be_written_and_read()
    {
        using TemporaryDirectory images = new();
        var unit = new FrozenUnit("serves", [new FrozenGroup("main", [7], ["memory"], new Dictionary<string, string> { ["memory.max"] = "max\n" })]);
        unit.Write(images.Path);

        var read = FrozenUnit.Read(images.Path);

        Assert.Equal("serves", read.Status);
        Assert.Equal("max\n", Assert.Single(read.Groups).Settings["memory.max"]);
        Assert.Equal([7], read.Groups[0].Pids);
    }

    private void Put(string group, ChildProcess process)
    {
        string directory = Path.Join(_top, group);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Join(directory, "cgroup.procs"), $"{process.Pid}");
    }

    private static string? GroupOf(ChildProcess process) => ProcFs.Read(process.Pid)?.ControlGroup?.TrimStart('/') is { } group
        ? group[group.IndexOf("nvwa-test-", StringComparison.Ordinal)..]
        : null;
}
