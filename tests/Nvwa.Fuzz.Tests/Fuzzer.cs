using Microsoft.Win32.SafeHandles;

namespace Nvwa.Fuzz.Tests;

/// <summary>A reader did what it must not. Says with which input, and how to have it again.</summary>
public sealed class FindingException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// Feeds a reader damaged bytes, round by round. Seed, target and number of the round decide what a round does, so a seed
/// is all that is needed to repeat a run. The input of a finding is kept in <c>artifacts/fuzz/TARGET.SEED.ROUND</c>; one that
/// takes the whole process with it, as a full stack does, is left in <c>artifacts/fuzz/TARGET.running</c>.
/// </summary>
internal sealed class Fuzzer(Target target, uint seed) : IDisposable
{
    /// <summary>Far more than any input takes on the slowest machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SafeFileHandle _running = Running(target);
    private int _round;

    public static string Directory { get; } = Path.Combine(Root(), "artifacts", "fuzz");

    public int Rounds => _round;

    /// <exception cref="FindingException">The reader failed.</exception>
    public async Task RunAsync(int rounds)
    {
        for (int end = _round + rounds; _round < end; _round++)
        {
            await RoundAsync();
        }
    }

    /// <summary>One input again, from its file.</summary>
    /// <exception cref="FindingException">It still fails.</exception>
    public async Task ReplayAsync(byte[] input)
    {
        try
        {
            await MeasuredAsync(input).WaitAsync(Patience);
        }
#pragma warning disable CA1031 // Whatever it is, it is the finding.
        catch (Exception failed)
#pragma warning restore CA1031
        {
            throw new FindingException($"{target.Name}: {failed.Message}", failed);
        }
    }

    public void Dispose()
    {
        _running.Dispose();
        File.Delete(RunningPath(target));
    }

    private async Task RoundAsync()
    {
        var chance = Chance.Of(seed, target.Name, _round);
        byte[]? input = null;
        try
        {
            byte[] valid = target.Valid(chance);
            input = target.IsDamaged && !chance.OneIn(16) ? Damage.Of(valid, target, chance) : valid;
            RandomAccess.SetLength(_running, input.Length);
            RandomAccess.Write(_running, input, 0);
            byte[] given = input;
            await Task.Run(() => MeasuredAsync(given)).WaitAsync(Patience);
        }
#pragma warning disable CA1031 // Whatever it is, it is the finding, and its input must be told.
        catch (Exception failed)
#pragma warning restore CA1031
        {
            throw new FindingException($"{target.Name}, seed {seed}, round {_round}: {failed.Message}; {Keep(input)}", failed);
        }
    }

    private async Task MeasuredAsync(byte[] input)
    {
        long before = target.Allocated();
        await target.ReadAsync(input);
        long allocated = target.Allocated() - before;
        long limit = target.AllocatedAtMost + ((long)target.AllocatedPerByte * input.Length);
        if (allocated > limit)
        {
            throw new FindingException($"{allocated} bytes were allocated for {input.Length} bytes of input, more than {limit}");
        }
    }

    private string Keep(byte[]? input)
    {
        if (input is null)
        {
            return $"valid bytes were not read back; replay: ./dev fuzz --seed {seed}";
        }

        string file = Path.Combine(Directory, $"{target.Name}.{seed}.{_round}");
        using (FileStream kept = File.Create(file))
        {
            kept.Write(input);
        }

        return $"input: {file}; replay: ./dev fuzz --replay {file}";
    }

    private static SafeFileHandle Running(Target target)
    {
        System.IO.Directory.CreateDirectory(Directory);
        return File.OpenHandle(RunningPath(target), FileMode.Create, FileAccess.Write);
    }

    private static string RunningPath(Target target) => Path.Combine(Directory, $"{target.Name}.running");

    private static string Root()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Nvwa.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? Environment.CurrentDirectory;
    }
}
