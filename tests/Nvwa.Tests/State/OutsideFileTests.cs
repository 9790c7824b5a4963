using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Tests.Checks;

namespace Nvwa.Tests.State;

/// <summary>A real process that has files open from before it got a mount namespace of its own.</summary>
public sealed class OutsideFileTests
{
    private const string NewMountNamespace = "libc.unshare(0x00020000)";

    [Fact]
    public async Task What_was_opened_before_the_namespace_was_made_is_found_and_opened_as_it_was()
    {
        using TemporaryDirectory directory = new();
        await File.WriteAllTextAsync(directory["before"], "0123456789");
        using Holder holder = await Holder.StartAsync($"""
            f = os.open('{directory["before"]}', os.O_RDWR | os.O_APPEND); os.read(f, 4); g = os.dup(f)
            {NewMountNamespace}
            inside = os.open('/etc/hostname', os.O_RDONLY); m = keep(libc.memfd_create(b'x', 0))
            """);

        OutsideFile found = Assert.Single(OutsideFile.Of([holder.Pid], FileSystems.Mounts(holder.Pid)), file => file.Path != "/dev/null");

        Assert.Equal((directory["before"], 4L), (found.Path, found.Position));
        Assert.Equal(FileIdentity.Of(directory["before"])!.Inode, found.Inode);
        OutsideFile.Write(directory.Path, [found]);
        Assert.Equal([found], OutsideFile.Read(directory.Path));
    }

    [Fact]
    public void Images_without_such_files_have_none()
    {
        using TemporaryDirectory directory = new();

        Assert.Empty(OutsideFile.Read(directory.Path));
    }

    [Fact]
    public void A_file_is_opened_at_its_place_and_nothing_is_cut()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["a"], "0123456789");
        const int ReadWriteTruncate = 2 | 0x200;

        using (var stream = new FileStream(Reopen.As(directory["a"], ReadWriteTruncate, 4), FileAccess.ReadWrite))
        {
            Assert.Equal('4', stream.ReadByte());
        }

        Assert.Equal("0123456789", File.ReadAllText(directory["a"]));
        Assert.Throws<LinuxException>(() => Reopen.As(directory["b"], ReadWriteTruncate, 0));
    }
}
