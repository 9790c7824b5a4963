using Nvwa.Linux;

namespace Nvwa.Checks;

/// <summary>What CRIU says of itself and of this kernel.</summary>
/// <param name="Version">Null if it did not say one.</param>
/// <param name="Problem">Why it cannot be used at all; null if it can.</param>
/// <param name="Complaint">What <c>criu check</c> has against this kernel; null for nothing.</param>
internal sealed record CriuAnswer(Version? Version, string? Problem, string? Complaint)
{
    private static readonly TimeSpan ToolDeadline = TimeSpan.FromMinutes(1);

    public static async Task<CriuAnswer> AskAsync(string criu, CancellationToken cancellation)
    {
        if (!File.Exists(criu))
        {
            return new CriuAnswer(null, "does not exist", null);
        }

        try
        {
            Task<SpawnResult> check = Spawn.RunAsync(new SpawnRequest(criu, ["check"]), ToolDeadline, cancellation);
            SpawnResult version = await Spawn.RunAsync(new SpawnRequest(criu, ["--version"]), ToolDeadline, cancellation);
            SpawnResult checkedKernel = await check;
            return VersionIn(version.Output) is { } number
                ? new CriuAnswer(number, null, checkedKernel.ExitCode == 0 ? null : LastLine(checkedKernel))
                : new CriuAnswer(null, $"does not say its version (exit status {version.ExitCode})", null);
        }
        catch (LinuxException failed)
        {
            return new CriuAnswer(null, $"cannot be run: {failed.Message}", null);
        }
    }

    private static Version? VersionIn(string output) =>
        Version.TryParse(output.Split('\n').FirstOrDefault(line => line.StartsWith("Version: ", StringComparison.Ordinal))?["Version: ".Length..], out Version? version)
            ? version
            : null;

    private static string LastLine(SpawnResult result) =>
        (result.Error + result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault("it said nothing");
}
