using System.Runtime.InteropServices;

namespace Nvwa.Linux.Tests;

/// <summary>
/// Runs a test on a thread that has a network namespace of its own: sockets made there, and children started there,
/// belong to it. It goes with the last of them.
/// </summary>
internal static partial class NetworkNamespace
{
    private const int CLONE_NEWNET = 0x40000000;
    private static readonly TimeSpan CommandDeadline = TimeSpan.FromSeconds(20);

    public static Task RunAsync(Action body) => Task.Factory.StartNew(
        () =>
        {
            Assert.True(unshare(CLONE_NEWNET) == 0, "A network namespace needs root.");
            body();
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    /// <summary>The same with the loopback interface up.</summary>
    public static Task RunWithLoopbackAsync(Action body) => RunAsync(() =>
    {
        Run("ip", "link", "set", "lo", "up");
        body();
    });

    /// <summary>Runs a program in the namespace of the calling thread and expects it to succeed.</summary>
    public static string Run(string file, params string[] arguments)
    {
        SpawnResult result = Spawn.RunAsync(new SpawnRequest(file, arguments), CommandDeadline, CancellationToken.None)
            .GetAwaiter().GetResult();
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    [LibraryImport("libc.so.6", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int unshare(int flags);
}
