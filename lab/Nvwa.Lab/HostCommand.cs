using Nvwa.Linux;

namespace Nvwa.Lab;

/// <summary>Short-lived programs of this host, for which a non-zero exit code is the end of the scenario.</summary>
internal static class HostCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(1);

    public static Task<string> RunAsync(string file, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync(file, arguments, DefaultTimeout, cancellationToken);

    public static async Task<string> RunAsync(
        string file, string[] arguments, TimeSpan timeout, CancellationToken cancellationToken)
    {
        SpawnResult result = await Spawn.RunAsync(new SpawnRequest(file, arguments), timeout, cancellationToken);
        return result.ExitCode == 0
            ? result.Output
            : throw new LabException(
                $"{file} {string.Join(' ', arguments)}: exit code {result.ExitCode}: {result.Error.Trim()}");
    }
}
