using System.Runtime.Versioning;

namespace Nvwa.Linux.Tests;

[SupportedOSPlatform("linux")]
public sealed class PrivateDirectoryTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    [Fact]
    public void It_is_made_with_those_above_it()
    {
        using TemporaryDirectory directory = new();
        string path = Path.Join(directory.Path, "a", "b");

        Assert.True(PrivateDirectory.Create(path + "/"));
        Assert.False(PrivateDirectory.Create(path));
        Assert.Equal(Private, File.GetUnixFileMode(path));
        Assert.Equal(Private, File.GetUnixFileMode(directory["a"]));
    }

    [Fact]
    public void One_that_others_may_read_is_taken_as_it_is()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["a"], Private | UnixFileMode.OtherRead);

        Assert.False(PrivateDirectory.Create(directory["a"]));
        Assert.Equal(Private | UnixFileMode.OtherRead, File.GetUnixFileMode(directory["a"]));
    }

    [Fact]
    public void One_that_others_may_write_is_refused()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["a"]);
        File.SetUnixFileMode(directory["a"], Private | UnixFileMode.OtherWrite);

        LinuxException exception = Assert.Throws<LinuxException>(() => PrivateDirectory.Create(directory["a"]));

        Assert.Equal((Errno.EPERM, "others may write to it"), (exception.Errno, exception.Detail));
    }

    [Fact]
    public async Task One_that_belongs_to_somebody_else_is_refused()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["a"], Private);
        await Spawn.RunAsync(
            new SpawnRequest("chown", ["12345", directory["a"]]), TimeSpan.FromSeconds(30), CancellationToken.None);

        LinuxException exception = Assert.Throws<LinuxException>(() => PrivateDirectory.Create(directory["a"]));

        Assert.Equal((Errno.EPERM, "it belongs to user 12345"), (exception.Errno, exception.Detail));
    }

    [Fact]
    public void A_link_or_a_file_is_refused()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["real"], Private);
        File.CreateSymbolicLink(directory["link"], directory["real"]);
        File.WriteAllText(directory["file"], "");

        Assert.Equal(Errno.ENOTDIR, Assert.Throws<LinuxException>(() => PrivateDirectory.Create(directory["link"])).Errno);
        Assert.Equal(Errno.ENOTDIR, Assert.Throws<LinuxException>(() => PrivateDirectory.Create(directory["file"])).Errno);
    }
}
