namespace Nvwa.Criu.Tests;

/// <summary>Requests as small as they can be.</summary>
internal static class Requests
{
    public static DumpRequest Dump => new() { Pid = 100_234, ImagesPath = "/images" };

    public static RestoreRequest Restore => new() { ImagesPath = "/images" };
}
