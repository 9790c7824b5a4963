namespace Nvwa.Linux.Tests;

public sealed class FileSystemsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public void The_mount_of_a_path_is_the_nearest()
    {
        Assert.Equal(("/proc", "proc"), (FileSystems.MountOf("/proc/self/stat").Point, FileSystems.MountOf("/proc").Type));
        Assert.Equal("/", FileSystems.MountOf("/").Point);
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => FileSystems.MountOf("/no/such")).Errno);
    }

    [Fact]
    public async Task A_file_system_is_known_by_its_uuid()
    {
        Guid uuid = new("01234567-89ab-cdef-0123-456789abcdef");
        using LoopFileSystem fileSystem = await LoopFileSystem.CreateAsync(uuid);
        Mount mount = FileSystems.MountOf(fileSystem.Point);

        Assert.Equal("uuid:01234567-89ab-cdef-0123-456789abcdef", FileSystems.Identity(fileSystem.Point));
        Assert.Equal(uuid, SuperBlock.ReadUuid(mount));
        Assert.Equal(("ext4", fileSystem.Point), (mount.Type, mount.Point));
        Assert.True(FileSystems.HoldsData(mount));
        Assert.True(FileSystems.IsWritable(fileSystem.Point));
        Assert.InRange(FileSystems.Free(fileSystem.Point), 1_000_000, 16_000_000);
    }

    [Fact]
    public void A_file_system_in_memory_is_another_one_after_each_boot()
    {
        Mount mount = FileSystems.MountOf("/dev/shm");

        Assert.True(FileSystems.IsMemoryBacked(mount.Type));
        Assert.False(FileSystems.HoldsData(mount));
        Assert.Equal($"boot:{ProcFs.BootId}:{mount.Device}", FileSystems.Identity("/dev/shm"));
    }

    [Theory]
    [InlineData("1 1 8:1 / / rw - ext4 /dev/a rw", true)]
    [InlineData("1 1 8:1 / / rw - ext4 /dev/a ro", false)]
    [InlineData("1 1 0:30 / / rw - btrfs /dev/a rw", true)]
    [InlineData("1 1 0:30 / / rw - nfs4 server:/a rw", true)]
    [InlineData("1 1 0:30 / / rw - fuse.sshfs a:/b rw", false)]
    [InlineData("1 1 0:30 / / rw - tmpfs tmpfs rw", false)]
    [InlineData("1 1 0:30 / / rw - cgroup2 cgroup2 rw", false)]
    public void Writable_disks_and_servers_hold_data(string line, bool holds) =>
        Assert.Equal(holds, FileSystems.HoldsData(MountInfo.Parse(line)));

    [Fact]
    public async Task All_that_hold_data_are_synced()
    {
        using LoopFileSystem fileSystem = await LoopFileSystem.CreateAsync(Guid.NewGuid());
        List<string> asked = [];

        await FileSystems.SyncAllAsync(
            Long,
            mount =>
            {
                asked.Add(mount.Point);
                // The build machine's own disks may have much to write.
                return mount.Point == fileSystem.Point;
            },
            CancellationToken.None);

        Assert.Contains(fileSystem.Point, asked);
        Assert.DoesNotContain("/proc", asked);
    }
}
