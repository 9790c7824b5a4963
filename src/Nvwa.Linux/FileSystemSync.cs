using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>syncfs(2) of many file systems at once, up to a deadline.</summary>
internal static class FileSystemSync
{
    /// <summary>One group per file system, with all places where it is mounted.</summary>
    public static IReadOnlyList<IReadOnlyList<Mount>> Group(IEnumerable<Mount> mounts) =>
        [.. mounts.GroupBy(mount => mount.Device).Select(IReadOnlyList<Mount> (group) => [.. group])];

    public static async Task RunAsync(
        IReadOnlyList<IReadOnlyList<Mount>> fileSystems,
        Action<IReadOnlyList<Mount>> flush,
        TimeSpan deadline,
        CancellationToken cancellationToken)
    {
        Task[] flushes = [.. fileSystems.Select(mounts => Background.RunAsync(() => flush(mounts)))];
        try
        {
            await Task.WhenAll(flushes).WaitAsync(deadline, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            int late = Array.FindIndex(flushes, task => !task.IsCompleted);
            if (late < 0)
            {
                await Task.WhenAll(flushes).ConfigureAwait(false);
                return;
            }

            Mount mount = fileSystems[late][0];
            throw new LinuxException("syncfs", $"{mount.Point} ({mount.Type} {mount.Source})", Errno.ETIMEDOUT);
        }
    }

    /// <summary>
    /// By the first of its mount points that is not hidden under another mount. One that is hidden everywhere can only be
    /// reached by sync(2), which takes all file systems along; the caller's deadline bounds that, too.
    /// </summary>
    public static void Flush(IReadOnlyList<Mount> mounts)
    {
        if (!mounts.Any(TryFlush))
        {
            Libc.FlushEverything();
        }
    }

    /// <summary>False if the mount point is hidden, or cannot be opened.</summary>
    private static bool TryFlush(Mount mount)
    {
        using SafeFileHandle? root = Libc.TryOpen(mount.Point, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOCTTY, out _);
        if (root is null || FileSystems.MountId(root) != mount.Id)
        {
            return false;
        }

        Libc.FlushFileSystem(root, mount.Point);
        return true;
    }
}
