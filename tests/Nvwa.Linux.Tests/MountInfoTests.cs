namespace Nvwa.Linux.Tests;

public sealed class MountInfoTests
{
    [Fact]
    public void A_line_is_read_with_its_optional_fields_and_escapes()
    {
        Mount mount = MountInfo.Parse(
            @"36 35 98:0 /mnt1 /mnt\0402\134x rw,noatime master:1 propagate_from:2 - ext3 /dev/a\011b rw,errors=continue");

        Assert.Equal((36, 35, "98:0", "/mnt1", @"/mnt 2\x"), (mount.Id, mount.ParentId, mount.Device, mount.Root, mount.Point));
        Assert.Equal(("ext3", "/dev/a\tb"), (mount.Type, mount.Source));
        Assert.Equal(["rw", "noatime"], mount.Options);
        Assert.Equal(["rw", "errors=continue"], mount.SuperOptions);
    }

    [Fact]
    public void Optional_fields_may_be_missing_and_the_source_empty()
    {
        Mount mount = MountInfo.Parse("22 27 0:21 / /proc ro - proc  rw");

        Assert.Equal(("proc", ""), (mount.Type, mount.Source));
        Assert.False(mount.IsWritable);
    }

    [Fact]
    public void Read_only_may_be_the_mount_or_the_file_system()
    {
        Assert.False(MountInfo.Parse("1 1 8:1 / / rw - ext4 /dev/a ro").IsWritable);
        Assert.True(MountInfo.Parse("1 1 8:1 / / rw - ext4 /dev/a rw").IsWritable);
    }

    [Theory]
    [InlineData("")]
    [InlineData("36 35 98:0 /mnt1 /mnt2 rw master:1 ext3 /dev/root rw")]
    [InlineData("36 35 98:0 /mnt1 /mnt2 rw - ext3")]
    public void Another_shape_is_refused(string line) =>
        Assert.Throws<InvalidDataException>(() => MountInfo.Parse(line));
}
