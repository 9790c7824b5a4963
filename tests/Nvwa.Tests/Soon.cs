namespace Nvwa.Tests;

/// <summary>What a test waits for must come; this long on the slowest machine.</summary>
internal static class Soon
{
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(30);

    public static Task Soonest(this Task task) => task.WaitAsync(Deadline);

    public static Task<T> Soonest<T>(this Task<T> task) => task.WaitAsync(Deadline);
}
