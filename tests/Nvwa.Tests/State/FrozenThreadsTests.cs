using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Tests.Checks;

namespace Nvwa.Tests.State;

/// <summary>Threads of one real process, whose attributes another one is given.</summary>
public sealed class FrozenThreadsTests
{
    // Idle class, and a slack of 12 ms.
    private const string Change = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); libc.syscall(251, 1, 0, 3 << 13 | 7); libc.prctl(29, ctypes.c_ulong(12345678), 0, 0, 0)";

    [Fact]
    public async Task What_a_thread_has_another_one_gets()
    {
        using TemporaryDirectory directory = new();
        using Holder changed = await Holder.StartAsync(Change);
        using Holder plain = await Holder.StartAsync("");
        ThreadAttributes before = ThreadAttributes.Of(plain.Pid)!;

        FrozenThreads.Write(directory.Path, FrozenThreads.Of([changed.Pid], Environment.ProcessId));
        FrozenThreads saved = Assert.Single(FrozenThreads.Read(directory.Path));
        (saved with { Threads = [plain.Pid] }).Restore(before, Environment.ProcessId, line => Assert.Fail(line));

        Assert.NotEqual(before, ThreadAttributes.Of(plain.Pid));
        Assert.Equal(ThreadAttributes.Of(changed.Pid), ThreadAttributes.Of(plain.Pid));
    }

    [Fact]
    public async Task One_that_may_run_everywhere_may_again_whatever_its_unit_says()
    {
        using Holder plain = await Holder.StartAsync("");
        using Holder restored = await Holder.StartAsync(Change);
        ThreadAttributes made = ThreadAttributes.Of(restored.Pid)!;

        FrozenThreads saved = Assert.Single(FrozenThreads.Of([plain.Pid], plain.Pid));
        (saved with { Threads = [restored.Pid] }).Restore(made, plain.Pid, line => Assert.Fail(line));

        Assert.Null(saved.Processors);
        Assert.Equal(ThreadAttributes.Of(plain.Pid), ThreadAttributes.Of(restored.Pid));
    }

    [Fact]
    public async Task A_processor_that_the_host_has_not_is_no_reason_to_fail()
    {
        using Holder holder = await Holder.StartAsync("");
        List<string> warnings = [];

        new FrozenThreads("1000-1007", 0, 0, [holder.Pid]).Restore(ThreadAttributes.Of(holder.Pid)!, holder.Pid, warnings.Add);

        Assert.Contains($"thread {holder.Pid}: sched_setaffinity", Assert.Single(warnings), StringComparison.Ordinal);
    }
}
