using System.Diagnostics;
using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Linux;
using Nvwa.Update;
using Xunit.Abstractions;

namespace Nvwa.Tests.Checks;

/// <summary>A host with hundreds of processes: all checks, over a workload that has all of them. The time is told, not judged.</summary>
public sealed class ManyProcessesTests(ITestOutputHelper output)
{
    private const int Count = 300;

    [Fact]
    public async Task Hundreds_of_processes_are_checked_at_once()
    {
        using Holder holder = await Holder.StartAsync($"""
            children = [os.posix_spawn('/bin/sleep', ['sleep', '600'], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, n) for n in (0, 1, 2)]) for _ in range({Count})]
            import atexit
            atexit.register(lambda: [os.kill(child, 9) for child in children])
            """);

        var watch = Stopwatch.StartNew();
        var processes = ProcessTable.Read();
        IReadOnlyList<UnixPeer> peers = await UnixPeers.ReadAsync(CancellationToken.None);
        TimeSpan read = watch.Elapsed;
        KeptWorkload workload = holder.Workload(processes);
        IReadOnlyList<CheckResult> results = CheckList.Run(Hosts.With(processes, workload));
        output.WriteLine($"{processes.All.Count} processes and {peers.Count} sockets read in {read.TotalMilliseconds:0} ms, all checks of {workload.Pids.Count} kept ones done after {watch.ElapsedMilliseconds} ms");

        Assert.Equal(Count + 1, workload.Pids.Count);
        Assert.Contains(results, result => result.Check == "files" && result.Reason.Contains($"{(3 * Count) + 1} null, zero", StringComparison.Ordinal));
    }
}
