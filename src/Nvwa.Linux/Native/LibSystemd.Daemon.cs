using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>sd-daemon(3). Zero from these means that nobody asked to be notified.</summary>
internal static partial class LibSystemd
{
    public static bool SendState(string state) => Check(sd_notify(0, state), "sd_notify", state) > 0;

    public static bool AwaitStatesRead(TimeSpan timeout) =>
        Check(sd_notify_barrier(0, Microseconds(timeout)), "sd_notify_barrier") > 0;

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_notify(int unsetEnvironment, string state);

    [LibraryImport(Library)]
    private static partial int sd_notify_barrier(int unsetEnvironment, ulong microseconds);
}
