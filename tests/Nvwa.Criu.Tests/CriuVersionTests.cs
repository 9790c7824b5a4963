namespace Nvwa.Criu.Tests;

public sealed class CriuVersionTests
{
    [Fact]
    public void Versions_are_ordered_by_their_numbers()
    {
        Assert.True(new CriuVersion(4, 1, 1) < new CriuVersion(4, 2));
        Assert.True(new CriuVersion(4, 2) < new CriuVersion(4, 2, 1));
        Assert.True(new CriuVersion(3, 19) < new CriuVersion(4, 0));
        Assert.True(new CriuVersion(4, 10) > new CriuVersion(4, 2, 1));
        Assert.True(new CriuVersion(4, 2) >= new CriuVersion(4, 2));
        Assert.True(new CriuVersion(4, 2) <= new CriuVersion(4, 2));
    }

    [Fact]
    public void The_commit_does_not_make_a_version_another() =>
        Assert.Equal(new CriuVersion(4, 2), new CriuVersion(4, 2) { GitId = "v4.2-7-gabc" });

    [Fact]
    public void A_version_is_printed_as_CRIU_prints_it()
    {
        Assert.Equal("4.2", new CriuVersion(4, 2).ToString());
        Assert.Equal("4.1.1", new CriuVersion(4, 1, 1).ToString());
    }
}
