using Nvwa.Linux;

namespace Nvwa.Tests.Cli;

/// <summary>The program itself, as a shell starts it.</summary>
public sealed class ProgramTests
{
    private static readonly string Program = Path.Join(AppContext.BaseDirectory, "nvwa.dll");

    [Theory]
    [InlineData("--version")]
    [InlineData("-v")]
    public async Task It_says_its_version(string option)
    {
        SpawnResult result = await RunAsync("dotnet", Program, option);

        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\n$", result.Output);
    }

    [Fact]
    public async Task Without_arguments_it_prints_help()
    {
        SpawnResult result = await RunAsync("dotnet", Program);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("update <version>", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task An_unknown_verb_is_wrong_usage()
    {
        SpawnResult result = await RunAsync("dotnet", Program, "frobnicate");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("frobnicate", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("update", "7.0")]
    [InlineData("status", "--wait", "20261121T093000Z")]
    public async Task Somebody_else_than_root_gets_one_line(params string[] args)
    {
        // Only the right to read is left to it, for the sake of wherever this was built.
        SpawnResult result = await RunAsync(
            "setpriv",
            [
                "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search",
                "dotnet", Program, .. args,
            ]);

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Equal("nvwa: must be run as root\n", result.Error);
        Assert.Empty(result.Output);
    }

    private static Task<SpawnResult> RunAsync(string file, params string[] args) =>
        Spawn.RunAsync(new SpawnRequest(file, args), Soon.Deadline, CancellationToken.None);
}
