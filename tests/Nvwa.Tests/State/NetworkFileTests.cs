using Nvwa.Linux;
using Nvwa.Core.Journal;
using Nvwa.State;

namespace Nvwa.Tests.State;

public sealed class NetworkFileTests
{
    private static readonly byte[] Content = "{\"links\":[]}"u8.ToArray();

    [Fact]
    public void What_was_written_is_read_by_its_length_and_digest_and_by_root_alone()
    {
        using TemporaryDirectory directory = new();
        var file = new NetworkFile(directory.Path);

        NetworkState saved = Saved(file.Write(Content));

        Assert.Equal(Content, file.Read(saved));
        Assert.Equal(0x180u, FileIdentity.Of(directory["network.json"])!.Permissions);
        Assert.True(file.Remove());
        Assert.False(file.Remove());
    }

    [Theory]
    [InlineData("{\"links\":[}]")]
    [InlineData("{\"links\":[]")]
    [InlineData("{\"links\":[]}\n")]
    [InlineData(null)]
    public void Anything_else_is_not_applied(string? instead)
    {
        using TemporaryDirectory directory = new();
        var file = new NetworkFile(directory.Path);
        NetworkState saved = Saved(file.Write(Content));
        if (instead is null)
        {
            file.Remove();
        }
        else
        {
            File.WriteAllText(directory["network.json"], instead);
        }

        Assert.Contains("network.json is not what was saved", Assert.Throws<InvalidDataException>(() => file.Read(saved)).Message, StringComparison.Ordinal);
    }

    private static NetworkState Saved(string digest) => new(NetworkStep.Saved, Content.Length, digest);
}
