using System.Diagnostics;
using System.Globalization;

namespace Nvwa.Fuzz.Tests;

/// <summary>What <c>./dev fuzz</c> runs: <c>run SECONDS SEED</c> or <c>replay FILE</c>.</summary>
internal static class Program
{
    /// <summary>Rounds of one target before the next has its turn, as a share of its bounded run.</summary>
    private const int Turns = 20;

    public static async Task<int> Main(string[] arguments)
    {
        try
        {
            await (arguments switch
            {
                ["run", var seconds, var seed] => RunAsync(
                    TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)), uint.Parse(seed, CultureInfo.InvariantCulture)),
                ["replay", var file] => ReplayAsync(file),
                _ => throw new ArgumentException("expected: run SECONDS SEED, or replay FILE"),
            });
            return 0;
        }
        catch (Exception failed) when (failed is FindingException or ArgumentException or FormatException or OverflowException or IOException)
        {
            await Console.Error.WriteLineAsync($"fuzz: {failed.Message}");
            await Console.Error.WriteLineAsync($"{failed.InnerException}");
            return 1;
        }
    }

    private static async Task RunAsync(TimeSpan time, uint seed)
    {
        Console.WriteLine($"fuzz: seed {seed}, {time.TotalSeconds} s");
        var clock = Stopwatch.StartNew();
        Fuzzer[] fuzzers = [.. Targets.All.Select(target => new Fuzzer(target, seed))];
        while (clock.Elapsed < time)
        {
            foreach ((Target target, Fuzzer fuzzer) in Targets.All.Zip(fuzzers))
            {
                await fuzzer.RunAsync(1 + (target.Rounds / Turns));
            }
        }

        Array.ForEach(fuzzers, fuzzer => fuzzer.Dispose());
        Console.WriteLine($"fuzz: nothing found; rounds: {string.Join(", ", Targets.All.Zip(fuzzers, (target, fuzzer) => $"{target.Name} {fuzzer.Rounds}"))}");
    }

    private static async Task ReplayAsync(string file)
    {
        string name = Path.GetFileName(file).Split('.')[0];
        Target target = Targets.All.FirstOrDefault(target => target.Name == name)
            ?? throw new ArgumentException($"{file}: its name does not begin with that of a target: {string.Join(", ", Targets.All.Select(target => target.Name))}");
        using var fuzzer = new Fuzzer(target, 0);
        await fuzzer.ReplayAsync(await File.ReadAllBytesAsync(file));
        Console.WriteLine($"fuzz: {file} is read or refused as it should be");
    }
}
