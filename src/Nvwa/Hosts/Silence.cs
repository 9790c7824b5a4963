namespace Nvwa.Hosts;

/// <summary>Tells what is slow from what hangs.</summary>
internal static class Silence
{
    private const int Looks = 24;

    /// <summary>Ends when something has stayed as it was for so long.</summary>
    /// <param name="size">What changes as long as there is progress.</param>
    /// <param name="patience">How long.</param>
    /// <param name="clock">Its clock.</param>
    /// <param name="cancellation">Ends the watch.</param>
    public static async Task OfAsync(Func<long> size, TimeSpan patience, TimeProvider clock, CancellationToken cancellation)
    {
        long last = size();
        for (int same = 0; same < Looks;)
        {
            await Task.Delay(patience / Looks, clock, cancellation);
            long now = size();
            same = now == last ? same + 1 : 0;
            last = now;
        }
    }
}
