namespace Nvwa.Linux;

/// <summary>
/// Blocking kernel waits, each on a thread of its own, so that the thread pool is left to the short work. It is in the
/// namespaces of the thread that asks.
/// </summary>
internal static class Background
{
    public static Task<T> RunAsync<T>(Func<T> wait) =>
        Task.Factory.StartNew(
            wait,
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default);

    public static Task RunAsync(Action wait) =>
        Task.Factory.StartNew(
            wait,
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default);
}
