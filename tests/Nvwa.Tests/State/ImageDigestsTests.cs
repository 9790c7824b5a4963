using System.Runtime.Versioning;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Tests.State;

[SupportedOSPlatform("linux")]
public sealed class ImageDigestsTests : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly string _digest;

    public ImageDigestsTests()
    {
        byte[] pages = new byte[(3 * MiB) + 17];
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = (byte)(i * 31 / 7);
        }

        File.WriteAllBytes(_directory["pages-1.img"], pages);
        File.WriteAllText(_directory["inventory.img"], "inventory");
        File.WriteAllBytes(_directory["empty.img"], []);
        File.WriteAllText(_directory["dump.log"], "log");
        _digest = ImageDigests.Seal(_directory.Path);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_as_it_was_is_trusted()
    {
        ImageDigests.Verify(_directory.Path, _digest, CancellationToken.None);
    }

    [Fact]
    public void Logs_may_change()
    {
        File.WriteAllText(_directory["dump.log"], "more");
        File.WriteAllText(_directory["restore.log"], "new");

        ImageDigests.Verify(_directory.Path, _digest, CancellationToken.None);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(MiB - 1, 0)]
    [InlineData(2 * MiB, 2)]
    [InlineData((3 * MiB) + 16, 3)]
    public void One_bit_that_flipped_is_found_and_its_place_told(int offset, int block)
    {
        byte[] pages = File.ReadAllBytes(_directory["pages-1.img"]);
        pages[offset] ^= 4;
        File.WriteAllBytes(_directory["pages-1.img"], pages);

        Assert.EndsWith($"pages-1.img is damaged in its MiB {block}", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_short_is_found()
    {
        using (FileStream file = File.OpenWrite(_directory["pages-1.img"]))
        {
            file.SetLength(MiB);
        }

        Assert.Contains("pages-1.img has 1048576 bytes, and had 3145745", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_found()
    {
        File.Delete(_directory["inventory.img"]);

        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(Verify).Errno);
    }

    [Fact]
    public void A_file_too_many_is_found()
    {
        File.WriteAllText(_directory["core-1.img"], "x");

        Assert.Contains("core-1.img was not there", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_another_update_are_not_taken_for_these()
    {
        File.WriteAllText(_directory["inventory.img"], "another");
        _ = ImageDigests.Seal(_directory.Path);

        Assert.Contains("not the one that was saved", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_others_may_write_is_refused_however_right_it_is()
    {
        File.SetUnixFileMode(_directory["inventory.img"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);

        Assert.Contains("others may write", Assert.Throws<LinuxException>(Verify).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_is_refused()
    {
        File.Move(_directory["inventory.img"], _directory["elsewhere.log"]);
        File.CreateSymbolicLink(_directory["inventory.img"], _directory["elsewhere.log"]);

        Assert.Equal(Errno.ELOOP, Assert.Throws<LinuxException>(Verify).Errno);
    }

    private void Verify() => ImageDigests.Verify(_directory.Path, _digest, CancellationToken.None);

    private InvalidDataException Refused() => Assert.Throws<InvalidDataException>(Verify);
}
