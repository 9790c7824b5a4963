using Nvwa.Criu.Images;

namespace Nvwa.Criu.Tests.Images;

public sealed class ImageTests
{
    [Fact]
    public void An_inventory_is_read()
    {
        var inventory = InventoryImage.Parse(Golden.Inventory, "inventory.img");
        Assert.Equal(2u, inventory.ImageVersion);
        Assert.Equal(TimeSpan.FromSeconds(12.34), inventory.DumpUptime);
        Assert.Equal(NetworkLock.Skip, inventory.NetworkLock);
        Assert.Equal("run", inventory.DumpRunId);
        Assert.Equal(["cuda"], inventory.Plugins);
        Assert.False(inventory.TcpClose);
    }

    [Fact]
    public void A_process_tree_is_read()
    {
        var tree = PstreeImage.Parse(Golden.Pstree, "pstree.img");
        Assert.Equal(100_001, tree.Root.Pid);
        Assert.Equal([100_001, 100_002], tree.Root.Threads);
        Assert.Equal(100_001, tree.Processes[1].ParentPid);
        Assert.Equal([100_000, 100_001, 100_002, 100_003], tree.TakenNumbers().Order());
    }

    [Fact]
    public void Statistics_of_a_dump_are_read()
    {
        var stats = StatsImage.Parse(Golden.StatsDump, "stats-dump");
        Assert.Null(stats.Restore);
        DumpStatistics expected = new(
            TimeSpan.FromMicroseconds(300),
            TimeSpan.FromMilliseconds(20),
            TimeSpan.FromMicroseconds(150),
            TimeSpan.FromMilliseconds(16),
            4096,
            1,
            700,
            0);
        Assert.Equal(expected, stats.Dump);
    }

    [Fact]
    public void Statistics_of_a_restore_are_read()
    {
        var stats = StatsImage.Parse(Golden.StatsRestore, "stats-restore");
        Assert.Null(stats.Dump);
        RestoreStatistics expected = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(240), 0, 0, 7);
        Assert.Equal(expected, stats.Restore);
    }

    [Fact]
    public void A_file_is_read_from_its_path()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using (FileStream file = new(path, FileMode.CreateNew))
            {
                file.Write(Golden.Pstree);
            }

            Assert.Equal(100_001, PstreeImage.Read(path).Root.Pid);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_file_above_the_cap_is_not_read()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using (FileStream file = new(path, FileMode.CreateNew))
            {
                // A hole: large to look at, nothing on disk.
                file.SetLength(1L << 40);
            }

            ImageFormatException error = Assert.Throws<ImageFormatException>(() => PstreeImage.Read(path));
            Assert.Equal(ImageFault.TooLarge, error.Fault);
            Assert.Equal(path, error.Path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_missing_file_is_the_systems_error() =>
        Assert.Throws<FileNotFoundException>(() => InventoryImage.Read("/nonexistent-images-inventory"));

    [Fact]
    public void Another_kind_of_file_is_refused() => Refused(
        ImageFault.WrongMagic,
        () => PstreeImage.Parse(Golden.Inventory, "x"));

    [Fact]
    public void A_length_beyond_the_end_is_refused_before_memory_is_taken() => Refused(
        ImageFault.Truncated,
        () => PstreeImage.Parse(
            [.. Golden.Frame([Golden.CommonHead, Golden.PstreeMagic]), 0xff, 0xff, 0xff, 0xff, 0x08, 0x01],
            "x"));

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] whole = Golden.StatsDump;
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            Assert.Throws<ImageFormatException>(() => StatsImage.Parse(cut, "x"));
        }
    }

    [Fact]
    public void An_entry_without_a_required_field_is_refused() => Refused(
        ImageFault.BadEntry,
        () => PstreeImage.Parse(Tree("0801" + "1000" + "1801"), "x"));

    [Fact]
    public void An_empty_tree_is_refused() => Refused(ImageFault.WrongCount, () => PstreeImage.Parse(Tree(), "x"));

    [Fact]
    public void Two_entries_where_one_belongs_are_refused() => Refused(
        ImageFault.WrongCount,
        () => InventoryImage.Parse(Golden.Frame([Golden.InventoryMagic], [0x08, 0x02], [0x08, 0x02]), "x"));

    [Theory]
    [InlineData("PID 0", "0800" + "1000" + "1801" + "2001")]
    [InlineData("PID above the limit", "0880808002" + "1000" + "1801" + "2001")]
    [InlineData("PID that is no int", "08ffffffff0f" + "1000" + "1801" + "2001")]
    [InlineData("root with a parent", "0802" + "1001" + "1801" + "2001")]
    [InlineData("foreign main thread", "0802" + "1000" + "1801" + "2001" + "2803")]
    [InlineData("thread twice", "0802" + "1000" + "1801" + "2001" + "2802" + "2803" + "2803")]
    public void A_tree_that_cannot_be_is_refused(string what, string entry)
    {
        Assert.NotEmpty(what);
        Refused(ImageFault.BadValue, () => PstreeImage.Parse(Tree(entry), "x"));
    }

    [Fact]
    public void A_second_root_and_a_second_life_are_refused()
    {
        const string Root = "0802" + "1000" + "1802" + "2002";
        Refused(ImageFault.BadValue, () => PstreeImage.Parse(Tree(Root, "0803" + "1000" + "1802" + "2002"), "x"));
        Refused(ImageFault.BadValue, () => PstreeImage.Parse(Tree(Root, "0802" + "1002" + "1802" + "2002"), "x"));
    }

    private static byte[] Tree(params string[] entries) => Golden.Frame(
        [Golden.CommonHead, Golden.PstreeMagic],
        [.. entries.Select(Convert.FromHexString)]);

    private static void Refused(ImageFault fault, Func<object> read) =>
        Assert.Equal(fault, Assert.Throws<ImageFormatException>(read).Fault);
}
