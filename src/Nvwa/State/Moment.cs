using Nvwa.Core.Journal;
using Nvwa.Linux;

namespace Nvwa.State;

internal static class Moment
{
    public static Stamp Now() => new(Clocks.Boottime(), Clocks.Realtime());

    /// <summary>A moment of this boot that somebody else told by CLOCK_REALTIME.</summary>
    public static Stamp At(DateTimeOffset moment)
    {
        const long NanosecondsPerTick = 100;
        long realtime = (moment - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick;
        Stamp now = Now();
        return new Stamp(now.Boottime - (now.Realtime - realtime), realtime);
    }
}
