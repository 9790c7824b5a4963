using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>Sets up the network namespace of the calling thread with the usual tools, and reads and applies configurations in it.</summary>
internal static class NetworkSetup
{
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    public static NetworkConfiguration Read() =>
        NetworkConfiguration.ReadAsync(TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();

    public static IReadOnlyList<string> Apply(NetworkConfiguration configuration, TimeSpan? patience = null) =>
        configuration.ApplyAsync(patience ?? Short, TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>What is read in a namespace of its own that was set up like this.</summary>
    public static async Task<NetworkConfiguration> ReadAsync(string commands, Action? then = null)
    {
        NetworkConfiguration? read = null;
        await NetworkNamespace.RunAsync(() =>
        {
            Ip(commands);
            then?.Invoke();
            read = Read();
        });
        return read!;
    }

    /// <summary>One command on a line; ip takes a family only before all of them.</summary>
    public static void Ip(string commands)
    {
        const string OfIPv6 = "-6 ";
        List<string> batch = [];
        bool isIPv6 = false;
        foreach (string line in commands.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(OfIPv6, StringComparison.Ordinal) != isIPv6)
            {
                Flush();
                isIPv6 = !isIPv6;
            }

            batch.Add(isIPv6 ? line[OfIPv6.Length..] : line);
        }

        Flush();

        void Flush()
        {
            Succeeds(Run("ip", isIPv6 ? ["-6", "-batch", "-"] : ["-batch", "-"], string.Join('\n', batch) + "\n"));
            batch.Clear();
        }
    }

    /// <summary>Whether it succeeds: what the kernel has no module for does not.</summary>
    public static bool TryIp(string command) => Run("ip", ["-batch", "-"], command + "\n").ExitCode == 0;

    public static void Nft(string commands) => Succeeds(Run("nft", ["-f", "-"], commands));

    private static void Succeeds(SpawnResult result) => Assert.True(result.ExitCode == 0, result.Error);

    private static SpawnResult Run(string program, string[] arguments, string input) => Spawn.RunAsync(
        new SpawnRequest(program, arguments) { Input = Encoding.UTF8.GetBytes(input) }, Long, CancellationToken.None).GetAwaiter().GetResult();
}
