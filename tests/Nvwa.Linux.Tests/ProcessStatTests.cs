namespace Nvwa.Linux.Tests;

public sealed class ProcessStatTests
{
    [Fact]
    public void The_name_ends_at_the_last_bracket()
    {
        var stat = ProcessStat.Parse(
            "7 (a) R (b) S 1 2 3 34816 9 2097216 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"u8);

        Assert.Equal(
            new ProcessStat("a) R (b", 'S', 1, 2, 3, 34816, ProcessStat.PF_KTHREAD | 0x40, 4711), stat);
    }

    [Theory]
    [InlineData("")]
    [InlineData("7 x S 1")]
    [InlineData("7 (x) S 1 2")]
    public void A_short_line_is_refused(string line) =>
        Assert.Throws<InvalidDataException>(() => ProcessStat.Parse(System.Text.Encoding.ASCII.GetBytes(line)));
}
