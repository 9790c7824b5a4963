namespace Nvwa.Linux.Tests;

/// <summary>Links of the calling thread's network namespace.</summary>
internal static class Carrier
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>Returns when the link is up at both ends.</summary>
    public static void Await(string link)
    {
        using LinkChanges changes = new(CancellationToken.None);
        Deadline deadline = new(Longest);
        while (!NetworkNamespace.Run("ip", "link", "show", link).Contains("LOWER_UP", StringComparison.Ordinal))
        {
            Assert.True(changes.Wait(deadline));
        }
    }
}
