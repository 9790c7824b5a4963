using System.Text;

namespace Nvwa.Linux.Tests;

public sealed class SeqPacketPairTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_child_speaks_in_whole_messages_and_its_end_is_seen()
    {
        using var pair = SeqPacketPair.Create();
        using ChildProcess child = Spawn.Start(new SpawnRequest("sh", ["-c", "echo one >&3; echo two >&3"])
        {
            Inherit = [new(pair.Theirs, 3)],
        });
        pair.Theirs.Dispose();
        byte[] buffer = new byte[64];

        Assert.Equal("one\n", await ReceiveAsync(pair, buffer));
        Assert.Equal("two\n", await ReceiveAsync(pair, buffer));
        Assert.Equal("", await ReceiveAsync(pair, buffer));
        await child.WaitAsync(CancellationToken.None);
    }

    [Fact]
    public async Task What_is_sent_by_us_is_read_by_the_child()
    {
        using var pair = SeqPacketPair.Create();
        await pair.Ours.SendAsync("hello\n"u8.ToArray());

        SpawnResult result = await Spawn.RunAsync(
            new SpawnRequest("head", ["-n", "1"]) { Inherit = [new(pair.Theirs, 0)] }, Long, CancellationToken.None);

        Assert.Equal("hello\n", result.Output);
    }

    private static async Task<string> ReceiveAsync(SeqPacketPair pair, byte[] buffer)
    {
        using CancellationTokenSource deadline = new(Long);
        int length = await pair.Ours.ReceiveAsync(buffer, deadline.Token);
        return Encoding.ASCII.GetString(buffer, 0, length);
    }
}
