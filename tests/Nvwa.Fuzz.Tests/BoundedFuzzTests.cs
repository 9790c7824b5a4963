// Memory is measured over all threads where a reader has several.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Nvwa.Fuzz.Tests;

/// <summary>The same inputs in every run, a few seconds for all; <c>./dev fuzz</c> goes on where these end.</summary>
public sealed class BoundedFuzzTests
{
    private const uint Seed = 20261121;

    public static IEnumerable<object[]> Runs { get; } = Targets.All.Select(target => new object[] { target.Name, Seed });

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Whatever_comes_is_read_or_refused(string name, uint seed)
    {
        Target target = Targets.All.Single(candidate => candidate.Name == name);
        using var fuzzer = new Fuzzer(target, seed);

        await fuzzer.RunAsync(target.Rounds);
    }
}
