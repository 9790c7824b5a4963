using Nvwa.Linux;

namespace Nvwa.Tests.Packaging;

/// <summary>What the package's units may do; the reasons for what stays open are comments in the units.</summary>
public sealed class UnitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>As systemd-analyze counts, in tenths: from 0, nothing is open, to 100. Its versions differ by a few.</summary>
    [Theory]
    [InlineData("nvwa.service", 88)]
    [InlineData("nvwa-lock.service", 32)]
    [InlineData("nvwa-network.service", 53)]
    public async Task What_a_unit_may_do_does_not_grow(string unit, int threshold)
    {
        var request = new SpawnRequest("systemd-analyze", ["security", "--no-pager", "--offline=true", $"--threshold={threshold}", PathOf(unit)]);

        SpawnResult result = await Spawn.RunAsync(request, Patience, CancellationToken.None);

        Assert.True(result.ExitCode == 0, $"{result.Output}{result.Error}");
    }

    /// <summary>A restored process would keep each of them for good.</summary>
    [Fact]
    public void What_restores_processes_has_no_restrictions_that_they_would_inherit()
    {
        string[] settings = [.. File.ReadLines(PathOf("nvwa-resume@.service"))
            .SkipWhile(line => line != "[Service]").Skip(1)
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split('=')[0])];

        Assert.Equal(["Type", "RemainAfterExit", "ExecStart", "TimeoutStartSec"], settings);
    }

    private static string PathOf(string unit)
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Nvwa.slnx")))
        {
            directory = directory.Parent;
        }

        Assert.NotNull(directory);
        return Path.Combine(directory.FullName, "packaging", "systemd", unit);
    }
}
