using System.Runtime.Versioning;
using System.Text;

namespace Nvwa.Linux.Tests;

[SupportedOSPlatform("linux")]
public sealed class AppendLogTests
{
    private const int Large = 1 << 20;

    [Fact]
    public void Records_stand_one_after_the_other_and_the_file_is_private()
    {
        using TemporaryDirectory directory = new();
        using var log = AppendLog.Open(directory["log"]);
        log.Append("one "u8);
        log.Append("two"u8);

        Assert.Equal("one two", Encoding.UTF8.GetString(log.ReadAll(Large)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["log"]));
    }

    [Fact]
    public void Opened_again_it_goes_on_at_its_end()
    {
        using TemporaryDirectory directory = new();
        using (var log = AppendLog.Open(directory["log"]))
        {
            log.Append("one "u8);
        }

        using var again = AppendLog.Open(directory["log"]);
        again.Append("two"u8);
        Assert.Equal("one two", Encoding.UTF8.GetString(again.ReadAll(Large)));
    }

    [Fact]
    public void A_torn_tail_is_cut_off()
    {
        using TemporaryDirectory directory = new();
        using var log = AppendLog.Open(directory["log"]);
        log.Append("whole|torn"u8);
        log.Truncate(6);
        log.Append("next"u8);

        Assert.Equal("whole|next", Encoding.UTF8.GetString(log.ReadAll(Large)));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Truncate(11));
        log.Append("."u8);
    }

    [Fact]
    public void Above_its_cap_it_is_not_read()
    {
        using TemporaryDirectory directory = new();
        using var log = AppendLog.Open(directory["log"]);
        log.Append("12345"u8);

        Assert.Equal(5, log.ReadAll(5).Length);
        Assert.Equal(Errno.EFBIG, Assert.Throws<LinuxException>(() => log.ReadAll(4)).Errno);
    }

    [Fact]
    public async Task Writers_with_handles_of_their_own_do_not_mix()
    {
        using TemporaryDirectory directory = new();
        const int Writers = 4;
        const int Records = 25;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
        {
            using var log = AppendLog.Open(directory["log"]);
            for (int record = 0; record < Records; record++)
            {
                log.Append(Encoding.ASCII.GetBytes($"{writer}:{record};"));
            }
        })));

        using var all = AppendLog.Open(directory["log"]);
        string[] records = Encoding.ASCII.GetString(all.ReadAll(Large)).Split(';', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Writers * Records, records.Distinct().Count());
    }

    [Fact]
    public async Task An_append_waits_for_the_lock_of_another_process()
    {
        using TemporaryDirectory directory = new();
        using var log = AppendLog.Open(directory["log"]);
        using var pair = SeqPacketPair.Create();
        using ChildProcess holder = Spawn.Start(new SpawnRequest(
            "flock", [directory["log"], "-c", "echo held >&3; exec sleep 600"])
        {
            Inherit = [new(pair.Theirs, 3)],
            Family = SpawnFamily.OwnGroup,
        });
        await pair.Ours.ReceiveAsync(new byte[16]);
        var append = Task.Run(() => log.Append("x"u8));

        Assert.Equal(0, new FileInfo(directory["log"]).Length);
        Assert.False(append.IsCompleted);
        holder.KillGroup();
        await append;
        await holder.WaitAsync(CancellationToken.None);
        Assert.Single(log.ReadAll(Large));
    }

    [Fact]
    public void A_link_is_refused()
    {
        using TemporaryDirectory directory = new();
        File.CreateSymbolicLink(directory["log"], directory["elsewhere"]);

        Assert.Equal(Errno.ELOOP, Assert.Throws<LinuxException>(() => AppendLog.Open(directory["log"])).Errno);
        Assert.False(File.Exists(directory["elsewhere"]));
    }

    [Fact]
    public async Task A_record_that_does_not_fit_is_taken_back()
    {
        using LoopFileSystem fileSystem = await LoopFileSystem.CreateAsync(Guid.NewGuid());
        using var log = AppendLog.Open(Path.Join(fileSystem.Point, "log"));
        log.Append("first"u8);

        LinuxException exception = Assert.Throws<LinuxException>(() => log.Append(new byte[32 * 1024 * 1024]));

        Assert.Equal(Errno.ENOSPC, exception.Errno);
        Assert.Equal("first", Encoding.ASCII.GetString(log.ReadAll(Large)));
    }
}
