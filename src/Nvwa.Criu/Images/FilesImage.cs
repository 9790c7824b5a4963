using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary><c>files.img</c>: what the descriptors of a dump stand for. Only timers are looked at here; see <see cref="HandedSockets"/>.</summary>
public static class FilesImage
{
    /// <summary>The name of the file within the images directory.</summary>
    public const string FileName = "files.img";

    /// <summary>A hundred bytes a file, and a million of them.</summary>
    internal const int MaximumLength = 128 * 1024 * 1024;

    /// <summary>TFD_TIMER_ABSTIME of timerfd_settime(2).</summary>
    private const uint AbsoluteTime = 1;

    internal static readonly uint[] Magics = [ImageFile.CommonHead, ImageFile.FilesMagic];

    /// <summary>
    /// Mends timerfds that had fired when they were dumped, which then show no time left. A periodic one the kernel sets anew
    /// when it is read; CRIU restores just that, which stops it for good (its issue 3162): it gets a period to wait for, as
    /// CRIU's other timers do. One that was set to a time and fired CRIU sets to the time of the restore, so that it fires
    /// again: it becomes one that is not set. Of the periods that passed unread one is kept, as the kernel counts them only when
    /// they are read. (CRIU 4.1.1 to 4.2.1; where CRIU does better this finds nothing, or does the same.)
    /// </summary>
    /// <returns>The whole file anew; null if there are none.</returns>
    /// <exception cref="ImageFormatException">The file is not one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static byte[]? WithTimersMended(string path) => WithTimersMended(ImageFile.ReadBounded(path, MaximumLength), path);

    /// <param name="content">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="ImageFormatException">The content is not one.</exception>
    public static byte[]? WithTimersMended(ReadOnlySpan<byte> content, string name)
    {
        List<FileEntry> files = ImageFile.Parse(name, content, Magics, FileEntry.Parser);
        TimerFdEntry[] fired = [.. files.Select(file => file.Timer).Where(timer => timer is not null && HasFired(timer))];
        foreach (TimerFdEntry timer in fired)
        {
            timer.ValueSeconds = timer.IntervalSeconds;
            timer.ValueNanoseconds = timer.IntervalNanoseconds;
            if (!IsPeriodic(timer))
            {
                timer.SetFlags &= ~AbsoluteTime;
            }
        }

        return fired.Length == 0 ? null : ImageFile.Format(Magics, files);
    }

    /// <summary>And would be restored as something else.</summary>
    private static bool HasFired(TimerFdEntry timer) =>
        timer is { ValueSeconds: 0, ValueNanoseconds: 0 } && (IsPeriodic(timer) || (timer.SetFlags & AbsoluteTime) != 0);

    private static bool IsPeriodic(TimerFdEntry timer) => timer is not { IntervalSeconds: 0, IntervalNanoseconds: 0 };
}
