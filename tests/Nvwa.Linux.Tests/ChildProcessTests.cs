using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

public sealed class ChildProcessTests
{
    private const int SIGTERM = 15;

    [Fact]
    public async Task Every_waiter_gets_the_status()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("sh", ["-c", "exit 7"]));

        int[] statuses = await Task.WhenAll(
            child.WaitAsync(CancellationToken.None), child.WaitAsync(CancellationToken.None));

        Assert.Equal([7, 7], statuses);
        Assert.Equal(7, await child.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_child_that_was_reaped_cannot_be_signalled()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("true", []));
        await child.WaitAsync(CancellationToken.None);

        Assert.False(child.Signal(SIGTERM));
        using SafeFileHandle? pidfd = Pidfd.Open(child.Pid);
        Assert.Null(pidfd);
    }

    [Fact]
    public async Task A_wait_can_be_given_up_and_the_child_goes_on()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("sleep", ["600"]));
        using CancellationTokenSource source = new();
        Task<int> wait = child.WaitAsync(source.Token);
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.True(child.Signal(SIGTERM));
        Assert.Equal(128 + SIGTERM, await child.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_process_that_is_not_ours_is_waited_for_by_its_pidfd()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("sleep", ["600"]));
        using SafeFileHandle? pidfd = Pidfd.Open(child.Pid);
        Assert.NotNull(pidfd);
        Assert.True(Pidfd.Signal(pidfd, 0));
        Assert.True(Pidfd.Kill(pidfd));
        await Pidfd.WaitAsync(pidfd, CancellationToken.None);
        await child.WaitAsync(CancellationToken.None);
        Assert.False(Pidfd.Signal(pidfd, 0));
    }
}
