using System.Runtime.Versioning;

namespace Nvwa.Linux.Tests;

[SupportedOSPlatform("linux")]
public sealed class AtomicFileTests
{
    [Fact]
    public void Content_and_mode_are_as_given_and_nothing_else_is_left()
    {
        using TemporaryDirectory directory = new();
        AtomicFile.Write(directory["file"], "old");
        AtomicFile.Write(
            directory["file"], "new", UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherWrite);

        Assert.Equal("new", File.ReadAllText(directory["file"]));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherWrite,
            File.GetUnixFileMode(directory["file"]));
        Assert.Equal([directory["file"]], Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public void A_file_is_private_unless_said()
    {
        using TemporaryDirectory directory = new();
        AtomicFile.Write(directory["file"], "x"u8);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["file"]));
    }

    [Fact]
    public void What_fails_leaves_no_remnant()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["file"]);

        LinuxException exception = Assert.Throws<LinuxException>(() => AtomicFile.Write(directory["file"], "x"));

        Assert.Equal(("rename", Errno.EISDIR), (exception.Operation, exception.Errno));
        Assert.Equal([directory["file"]], Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public void A_reader_that_has_the_old_file_keeps_it()
    {
        using TemporaryDirectory directory = new();
        AtomicFile.Write(directory["file"], "old");
        using StreamReader reader = new(directory["file"]);
        AtomicFile.Write(directory["file"], "new");

        Assert.Equal("old", reader.ReadToEnd());
    }

    [Fact]
    public void A_link_is_replaced_and_what_it_led_to_is_untouched()
    {
        using TemporaryDirectory directory = new();
        AtomicFile.Write(directory["target"], "target");
        File.CreateSymbolicLink(directory["link"], directory["target"]);
        AtomicFile.Write(directory["link"], "new");

        Assert.Equal("target", File.ReadAllText(directory["target"]));
        Assert.Null(new FileInfo(directory["link"]).LinkTarget);
    }
}
