namespace Nvwa.Linux.Tests;

public sealed class FileSystemSyncTests
{
    /// <summary>For a thread to start, too.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static readonly IReadOnlyList<Mount> Mounts =
    [
        MountInfo.Parse("1 1 8:1 / / rw - ext4 /dev/a rw"),
        MountInfo.Parse("2 1 0:40 / /net rw - nfs4 server:/x rw"),
        MountInfo.Parse("3 1 8:1 /b /bind rw - ext4 /dev/a rw"),
    ];

    [Fact]
    public void One_file_system_is_synced_once_however_often_it_is_mounted() =>
        Assert.Equal([2, 1], FileSystemSync.Group(Mounts).Select(group => group.Count));

    [Fact]
    public async Task A_dead_server_is_named_and_does_not_keep_the_others()
    {
        using ManualResetEventSlim never = new();
        TaskCompletionSource other = new(TaskCreationOptions.RunContinuationsAsynchronously);

        LinuxException exception = await Assert.ThrowsAsync<LinuxException>(() => FileSystemSync.RunAsync(
            FileSystemSync.Group(Mounts),
            group =>
            {
                if (group[0].Type == "nfs4")
                {
                    never.Wait();
                }

                other.TrySetResult();
            },
            Enough,
            CancellationToken.None));
        never.Set();
        await other.Task.WaitAsync(Long);

        Assert.Equal((Errno.ETIMEDOUT, "/net (nfs4 server:/x)"), (exception.Errno, exception.Subject));
    }

    [Fact]
    public async Task A_disk_that_fails_is_named()
    {
        LinuxException exception = await Assert.ThrowsAsync<LinuxException>(() => FileSystemSync.RunAsync(
            FileSystemSync.Group(Mounts),
            group => throw new LinuxException("syncfs", group[0].Point, Errno.EIO),
            Long,
            CancellationToken.None));

        Assert.Equal(Errno.EIO, exception.Errno);
    }

    [Fact]
    public void A_mount_that_is_hidden_does_not_stop_the_rest() =>
        FileSystemSync.Flush([MountInfo.Parse("999999999 1 8:1 / /no/such rw - ext4 /dev/a rw")]);
}
