using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary><c>files.img</c>: what the descriptors of a dump stand for. Only timers are looked at.</summary>
public static class FilesImage
{
    /// <summary>The name of the file within the images directory.</summary>
    public const string FileName = "files.img";

    /// <summary>A hundred bytes a file, and a million of them.</summary>
    private const int MaximumLength = 128 * 1024 * 1024;

    private static readonly uint[] Magics = [ImageFile.CommonHead, ImageFile.FilesMagic];

    /// <summary>
    /// Gives periodic timers that have fired a period to wait for. The kernel sets such a timerfd anew when it is read, and
    /// until then shows no time left; CRIU 4.2 restores just that, which stops it for good (its issue 3162). What it has
    /// fired is kept beside. For its other timers CRIU does the same as this.
    /// </summary>
    /// <returns>The whole file anew; null if there are none.</returns>
    /// <exception cref="ImageFormatException">The file is not one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static byte[]? WithTimersRestarted(string path) => WithTimersRestarted(ImageFile.ReadBounded(path, MaximumLength), path);

    /// <param name="content">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="ImageFormatException">The content is not one.</exception>
    public static byte[]? WithTimersRestarted(ReadOnlySpan<byte> content, string name)
    {
        List<FileEntry> files = ImageFile.Parse(name, content, Magics, FileEntry.Parser);
        TimerFdEntry[] stopped = [.. files.Select(file => file.Timer).Where(timer => timer is not null && HasStopped(timer))];
        foreach (TimerFdEntry timer in stopped)
        {
            timer.ValueSeconds = timer.IntervalSeconds;
            timer.ValueNanoseconds = timer.IntervalNanoseconds;
        }

        return stopped.Length == 0 ? null : ImageFile.Format(Magics, files);
    }

    private static bool HasStopped(TimerFdEntry timer) =>
        timer is { ValueSeconds: 0, ValueNanoseconds: 0 } and not { IntervalSeconds: 0, IntervalNanoseconds: 0 };
}
