using System.Net;
using Nvwa.Lab.Clients;
using Nvwa.Lab.Hosts;
using Nvwa.Linux;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// Programs as people run them go to the other kernel and back: servers in Python, Java and C# under load, a thousand threads,
/// a hundred processes, a long job, a shell in tmux. Each has a twin that knows what it must say: its client, its digest, or
/// what it said before.
/// </summary>
[Collection(OneGuestAtATime.Name)]
[Trait("table", "compatibility")]
public sealed class Applications(PreparedHost prepared)
{
    private const int Threads = 1000;

    private const string Configuration =
        """
        services:
        - python-server
        - java-server
        - dotnet-server
        - threads
        - tree
        - long-job
        - tmux

        """;

    // The job's input is there twice: in the guest, and for its twin in the tree that the guest was made from.
    private const string JobInput = "usr/lib/jvm/java-21-openjdk-amd64/lib/server/libjvm.so";

    private const string Prepare =
        $"""
        systemctl disable -q --now redis.service redis-journal.service && pkill -f '[t]icker.py'
        java -cp /usr/share/java/eclipse-jdt-core-compiler-batch.jar org.eclipse.jdt.internal.compiler.batch.Main -17 -d /srv /srv/Ledger.java
        mkdir -p /srv/job && ln -s /{JobInput} /srv/job/first
        """;

    private const string Start =
        """
        systemctl daemon-reload && systemctl enable -q python-server java-server dotnet-server threads tree tmux
        systemctl start python-server java-server dotnet-server threads tree long-job tmux
        until test $(ss -Hltn 'sport >= 5001 and sport <= 5004' | wc -l) = 4 && test -p /run/tree/out && tmux has-session -t work; do sleep 0.5; done
        """;

    // A word and a job that only the shell knows. Typed, as everything that it is told.
    private const string Type =
        """
        tmux send-keys -t work 'word=kept-$RANDOM' Enter 'tail -f /dev/null &' Enter
        """;

    private const string Ask =
        """
        rm -f /root/answer; tmux send-keys -t work 'echo $word $! "$(jobs -r)" "$(history | head -n 1)" >/root/answer' Enter
        until test -s /root/answer; do sleep 0.2; done; cat /root/answer
        """;

    // As one who comes back to the session: with a terminal, by hand.
    private const string Attach =
        """
        rm -f /root/typed
        {
          until tmux list-clients | grep -q .; do sleep 0.2; done
          printf 'echo $word by hand >/root/typed\r'
          until test -s /root/typed; do sleep 0.2; done
          tmux detach-client -s work
          while tmux list-clients | grep -q .; do sleep 0.2; done
        } | TERM=xterm script -qec 'tmux attach -t work' /dev/null >/root/screen
        cat /root/typed
        """;

    private const string AskTree = "echo 0 >/run/tree/in && head -n 1 /run/tree/out";

    // Of each unit what systemd says, and its processes but for those that come and go in the job. Who does not lead a session loses
    // its terminal, as check says.
    private const string Everything =
        """
        for unit in python-server java-server dotnet-server threads tree long-job tmux; do
          echo "== $unit"
          systemctl show -p ActiveState,SubState,MainPID,Type,DropInPaths,FreezerState,NRestarts $unit
          ps -o pid=,ppid=,pgid=,sid=,tty=,ni=,user=,comm= -p $(paste -sd, /sys/fs/cgroup$(systemctl show --value -p ControlGroup $unit)/cgroup.procs) |
            grep -vE ' (sleep|cat)$' | awk '$1 != $4 { $5 = "-" } { print }'
        done
        grep ^Threads /proc/$(systemctl show --value -p MainPID threads)/status
        wc -l </sys/fs/cgroup/system.slice/tree.service/cgroup.procs
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan JobPatience = TimeSpan.FromMinutes(20);

    [Fact]
    [Trait("half", "full")]
    public Task Programs_of_every_kind_are_kept() => prepared.RunAsync("applications", async host =>
    {
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync(Prepare, Patience);
        await DotnetRuntime.InstallAsync(guest, "Nvwa.Lab.Ledger", "/opt/dotnet");
        _ = await guest.OutputOfAsync(Start, Patience);
        _ = await guest.OutputOfAsync(Type);
        await host.ConfigureAsync(Configuration);
        HostState.Says(await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 0, "tmux.service", "will have no controlling terminal");
        await using OutsideWatch watch = await ConnectAsync(guest.Network);
        await watch.AnsweredAsync(10, Patience);

        var before = new State(await guest.OutputOfAsync(Everything, Patience), await guest.OutputOfAsync(Ask));
        Assert.EndsWith($"Threads:\t{Threads}\n100\n", before.Processes, StringComparison.Ordinal);
        Assert.Equal("90", (await guest.OutputOfAsync(AskTree)).Trim());

        await UpdateAsync(host, prepared.NewKernel, watch, before);
        Assert.Equal("180", (await guest.OutputOfAsync(AskTree)).Trim());
        _ = await host.InstallNewerCriuAsync();
        await UpdateAsync(host, prepared.OldKernel, watch, before);
        Assert.Equal("270", (await guest.OutputOfAsync(AskTree)).Trim());

        Assert.All(await watch.StopAsync(), watched => watched.Report.Verify());
        CaptureSummary capture = await guest.Capture.StopAsync();
        Assert.Empty(capture.Refusals);
        Assert.Equal($"{before.Shell.Split(' ')[0]} by hand", (await guest.OutputOfAsync(Attach, Patience)).Trim());
        await JobIsDoneAsync(guest);
        await AreOrdinaryAgainAsync(guest);
    });

    /// <param name="Processes">See <see cref="Everything"/>.</param>
    /// <param name="Shell">What the shell in tmux answers: its word, its job, its history.</param>
    private sealed record State(string Processes, string Shell);

    private static async Task<OutsideWatch> ConnectAsync(LabNetwork network)
    {
        static IPEndPoint At(int port) => new(LabNetwork.GuestAddress, port);
        return OutsideWatch.Start(
            ("python-server", await LedgerClient.ConnectAsync(network, At(5001), Patience)),
            ("java-server", await LedgerClient.ConnectAsync(network, At(5002), Patience)),
            ("dotnet-server", await LedgerClient.ConnectAsync(network, At(5003), Patience)),
            ("threads", await ThreadsClient.ConnectAsync(network, At(5004), Threads - 1, Patience)));
    }

    private static async Task UpdateAsync(NvwaHost host, string release, OutsideWatch watch, State before)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        Assert.Equal(release, end.Boot.Release);
        await watch.AnsweredAsync(10, Patience);
        Assert.Equal(before, new State(await host.Guest.OutputOfAsync(Everything, Patience), await host.Guest.OutputOfAsync(Ask, Patience)));
        await HostState.NothingIsLeftAsync(host.Guest);
        await CompatibilityTable.AddAsync(host);
    }

    /// <summary>What the job has written is what its twin writes, which nobody disturbs.</summary>
    private async Task JobIsDoneAsync(LabGuest guest)
    {
        _ = await guest.OutputOfAsync("cp /usr/bin/bash /srv/job/last.part && mv /srv/job/last.part /srv/job/last");
        await guest.WaitUntilAsync("test $(systemctl show --value -p SubState long-job) = dead", JobPatience);
        string tree = Path.Combine(prepared.Image.Directory, "tree");
        SpawnResult twin = await Spawn.RunAsync(
            new SpawnRequest("/bin/sh", ["-c", "cat \"$1\" \"$2\" | \"$3\" -q -T2 -15 -B1MiB | sha256sum", "twin", $"{tree}/{JobInput}", $"{tree}/usr/bin/bash", prepared.Image.Program("zstd")]),
            Patience,
            CancellationToken.None);
        Assert.Equal((0, twin.Output), (twin.ExitCode, await guest.OutputOfAsync("sha256sum </srv/job/output")));
    }

    private static async Task AreOrdinaryAgainAsync(LabGuest guest)
    {
        const string Units = "python-server java-server dotnet-server threads tree tmux";
        _ = await guest.OutputOfAsync($"systemctl restart {Units} && ! systemctl is-active {Units} | grep -v ^active", Patience);
        _ = await guest.OutputOfAsync($"systemctl stop {Units} && ! systemctl is-failed {Units}", Patience);
    }
}
