using System.Runtime.Versioning;
using Nvwa.Linux;
using Nvwa.State;
using static Nvwa.Tests.Updates;

namespace Nvwa.Tests.State;

[SupportedOSPlatform("linux")]
public sealed class ImageStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Root => _directory["running"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Logs_are_where_openEuler_has_them()
    {
        ImageStore store = Store();
        string images = store.Create(Redis);
        Touch(Path.Join(images, "dump.log"), "log");

        Assert.Equal(Path.Join(Root, Id, "redis"), images);
        Assert.Equal(Path.Join(Root, "redis", "dump.log"), store.Log(Redis, ImageStore.DumpLog));
        Assert.Equal("log", File.ReadAllText(store.Log(Redis, ImageStore.DumpLog)));
        Assert.Equal($"{Id}/redis", new FileInfo(Path.Join(Root, "redis")).LinkTarget);

        store.Create(Job);
        Assert.Equal(Path.Join(Root, "1800", "restore.log"), store.Log(Job, ImageStore.RestoreLog));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//")]
    public void The_directory_may_be_written_with_a_slash_at_its_end(string slash) =>
        Assert.Equal(Path.Join(Root, Id), new ImageStore(Root + slash, Id).Root);

    [Fact]
    public void Nobody_else_may_look_in()
    {
        string images = Store().Create(Redis);

        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(Private, File.GetUnixFileMode(images));
        Assert.Equal(Private, File.GetUnixFileMode(Path.Join(Root, Id)));
        Assert.Equal(Private, File.GetUnixFileMode(Root));
    }

    [Fact]
    public void The_well_known_place_follows_the_newest_update()
    {
        Store().Create(Redis);
        string images = new ImageStore(Root, "20261122T000000Z").Create(Redis);
        Touch(Path.Join(images, "x"), "new");

        Assert.Equal("new", File.ReadAllText(Path.Join(Root, "redis", "x")));
        Assert.True(Directory.Exists(Path.Join(Root, Id, "redis")));
    }

    [Fact]
    public void A_directory_of_somebody_else_at_the_well_known_place_is_refused_and_left_alone()
    {
        Touch(Path.Join(Root, "redis", "pages-1.img"), "precious");

        LinuxException refused = Assert.Throws<LinuxException>(() => Store().Create(Redis));

        Assert.Equal(Errno.EEXIST, refused.Errno);
        Assert.Contains("move it aside", refused.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(Path.Join(Root, "redis", "pages-1.img")));
    }

    [Fact]
    public void Images_are_counted_and_removed_and_logs_stay()
    {
        ImageStore store = Store();
        string images = store.Create(Redis);
        Touch(Path.Join(images, "pages-1.img"), "12345");
        Touch(Path.Join(images, "dump.log"), "678");
        Assert.Equal(8, store.Size(Redis));

        store.RemoveImages(Redis);
        store.RemoveImages(Redis);
        store.RemoveImages(Web);

        Assert.Equal(["dump.log"], Directory.GetFiles(images).Select(Path.GetFileName));
    }

    [Fact]
    public void Clear_removes_every_update_and_names_it_and_the_second_time_there_is_nothing()
    {
        Touch(Path.Join(Store().Create(Redis), "pages-1.img"), "1");
        Touch(Path.Join(new ImageStore(Root, "20261122T000000Z").Create(Job), "core.img"), "1");

        Assert.Equal([Path.Join(Root, Id), Path.Join(Root, "20261122T000000Z")], ImageStore.Clear(Root).Order(StringComparer.Ordinal));

        Assert.Empty(Directory.GetFileSystemEntries(Root));
        Assert.Empty(ImageStore.Clear(Root));
        Assert.Empty(ImageStore.Clear(_directory["nowhere"]));
    }

    [Fact]
    public void Clear_leaves_alone_what_is_not_ours()
    {
        Store().Create(Redis);
        Touch(Path.Join(Root, "notes"), "1");
        Touch(Path.Join(Root, "1800", "core.img"), "1");
        Touch(_directory["elsewhere/file"], "1");
        File.CreateSymbolicLink(Path.Join(Root, "bin"), "usr/bin");
        File.CreateSymbolicLink(Path.Join(Root, "away"), _directory["elsewhere"]);
        File.CreateSymbolicLink(Path.Join(Root, Id, "out"), _directory["elsewhere"]);

        ImageStore.Clear(Root);

        Assert.Equal(["1800", "away", "bin", "notes"], Directory.GetFileSystemEntries(Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.True(File.Exists(_directory["elsewhere/file"]));
    }

    private ImageStore Store() => new(Root, Id);

    private static void Touch(string path, string content)
    {
        // As tools make them: the directories are ours alone, or PrivateDirectory would refuse.
        PrivateDirectory.Create(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, content);
    }
}
