using Xunit.Abstractions;

// Memory is measured over all threads where a reader has several.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Nvwa.Fuzz.Tests;

/// <summary>The same inputs in every run, a few seconds for all; <c>./dev fuzz</c> goes on where these end.</summary>
public sealed class BoundedFuzzTests(ITestOutputHelper output)
{
    private const uint Seed = 20261121;

    public static TheoryData<string> Names { get; } = [.. Targets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Whatever_comes_is_read_or_refused(string name)
    {
        Target target = Targets.All.Single(candidate => candidate.Name == name);
        using var fuzzer = new Fuzzer(target, Seed);
        output.WriteLine($"{name}: seed {Seed}, {target.Rounds} rounds");

        await fuzzer.RunAsync(target.Rounds);
    }
}
