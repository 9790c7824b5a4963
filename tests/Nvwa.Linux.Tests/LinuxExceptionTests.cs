namespace Nvwa.Linux.Tests;

public sealed class LinuxExceptionTests
{
    [Fact]
    public void The_message_has_call_subject_words_and_name()
    {
        LinuxException exception = new("open", "/x", Errno.ENOENT);

        Assert.Equal("open /x: No such file or directory (ENOENT)", exception.Message);
    }

    [Fact]
    public void What_the_other_side_said_comes_last()
    {
        LinuxException exception = new("nft", null, Errno.EPERM, "not yours");

        Assert.Equal("nft: Operation not permitted (EPERM): not yours", exception.Message);
    }

    [Fact]
    public void A_number_without_a_name_is_shown_as_a_number() => Assert.Equal("errno 4000", Errno.Name(4000));

    [Fact]
    public void The_number_is_found_again_in_a_message()
    {
        Assert.Equal(Errno.EOPNOTSUPP, Errno.FromMessage("Error: Could not process rule: Operation not supported"));
        Assert.Equal(Errno.EIO, Errno.FromMessage("Error: syntax error"));
    }
}
