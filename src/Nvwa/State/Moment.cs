using Nvwa.Core.Journal;
using Nvwa.Linux;

namespace Nvwa.State;

internal static class Moment
{
    public static Stamp Now() => new(Clocks.Boottime(), Clocks.Realtime());
}
