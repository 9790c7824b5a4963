using System.Runtime.Versioning;
using Nvwa.Linux;

namespace Nvwa.Qemu.Tests;

/// <summary>What becomes of the machine, wherever it fails. The old QEMU is the first connection, those that are started the next ones.</summary>
[SupportedOSPlatform("linux")]
public sealed class LiveUpdateTests : IDisposable
{
    private const string GoesOn = "the machine goes on in the QEMU that it had";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(500);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-live-");
    private readonly List<IReadOnlyList<string>> _said = [];
    private readonly Launcher _launcher = new();

    private string StatePath => Path.Combine(_directory.FullName, "state.img");

    public void Dispose()
    {
        Assert.Empty(_directory.GetFiles());
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Through_a_file_the_new_program_gets_the_machine()
    {
        LiveUpdateReport report = await RunAsync(MigrationMode.CprReboot, Old(), Loading());

        Assert.Equal((MigrationMode.CprReboot, 9), (report.Mode, (int)report.Blackout!.Value.TotalSeconds));
        Assert.Empty(report.Setbacks);
        Assert.Equal(["end", "start /new"], _launcher.Did);
        Assert.Equal("quit", _said[0][^1]);
        Assert.Equal("cont", _said[1][^1]);
    }

    [Fact]
    public async Task A_state_that_the_new_program_does_not_take_goes_back_to_the_old_one()
    {
        LiveUpdateReport report = await RunAsync(MigrationMode.CprReboot, Old(), Refusing(), Loading());

        Assert.Equal(["/new: Unknown savevm section"], report.Setbacks);
        Assert.Equal(["end", "start /new", "end", $"start {Environment.ProcessPath}"], _launcher.Did);
    }

    [Fact]
    public async Task A_program_that_cannot_be_started_is_a_setback_too()
    {
        _launcher.Failures.Enqueue(new SystemdException("StartUnit", "web.service", "x", "no such unit"));

        LiveUpdateReport report = await RunAsync(MigrationMode.CprReboot, Old(), Loading());

        Assert.Contains("no such unit", Assert.Single(report.Setbacks), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_state_that_nobody_takes_is_lost_and_told()
    {
        MigrationException failed = await FailsAsync(MigrationMode.CprReboot, Old(), Refusing(), Refusing());

        Assert.Matches("no QEMU took the machine over .*Unknown savevm section.*; it has to be started anew", failed.Message);
        Assert.Equal("end", _launcher.Did[^1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Once_it_may_run_nobody_starts_from_its_state_again(bool dies)
    {
        Dictionary<string, Reply> next = Loading();
        next["cont"] = new Reply { Dies = dies, Hangs = !dies };

        MigrationException failed = await FailsAsync(MigrationMode.CprReboot, Old(), next);

        Assert.Contains("the new QEMU has the machine, and it is not known to run", failed.Message, StringComparison.Ordinal);
        Assert.Equal(["end", "start /new"], _launcher.Did);
    }

    [Fact]
    public async Task A_save_that_fails_leaves_the_machine_where_it_was()
    {
        Dictionary<string, Reply> old = Old();
        old["migrate"] = new Reply { Events = [Reply.Migration("failed", 11)] };
        old["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "no space left"}""");

        MigrationException failed = await FailsAsync(MigrationMode.CprReboot, old);

        Assert.Equal($"no space left; {GoesOn}", failed.Message);
        Assert.Contains("cont", _said[0]);
        Assert.Empty(_launcher.Did);
    }

    [Fact]
    public async Task A_QEMU_that_ends_while_it_is_saved_takes_the_machine_with_it_and_that_is_told()
    {
        Dictionary<string, Reply> old = Old();
        old["migrate"] = new Reply { Dies = true };

        Assert.Contains("and it cannot be continued", (await FailsAsync(MigrationMode.CprReboot, old)).Message, StringComparison.Ordinal);
        Assert.Empty(_launcher.Did);
    }

    [Fact]
    public async Task An_old_QEMU_that_does_not_end_is_ended_and_the_machine_goes_over_all_the_same()
    {
        Dictionary<string, Reply> old = Old();
        old["quit"] = new Reply { Hangs = true };

        Assert.Equal(MigrationMode.CprReboot, (await RunAsync(MigrationMode.CprReboot, Brief, old, Loading())).Mode);
        Assert.Equal(["end", "start /new"], _launcher.Did);
    }

    [Fact]
    public async Task A_QEMU_that_replaces_itself_is_found_at_the_same_socket()
    {
        Dictionary<string, Reply> old = Old();
        old["migrate"] = new Reply { Events = [Reply.Event("STOP", 11), Reply.Migration("completed", 12)], DiesAfter = true };

        LiveUpdateReport report = await RunAsync(MigrationMode.CprExec, old, Loading());

        Assert.Equal(MigrationMode.CprExec, report.Mode);
        Assert.Contains(_said[0], each => each.StartsWith("""migrate-set-parameters {"cpr-exec-command":["/new",""", StringComparison.Ordinal));
        Assert.Empty(_launcher.Did);
    }

    [Fact]
    public async Task A_QEMU_that_cannot_replace_itself_goes_on()
    {
        Dictionary<string, Reply> old = Old();
        old["migrate"] = new Reply { Events = [Reply.Event("STOP", 11), Reply.Migration("completed", 12), Reply.Migration("failed", 12)] };
        old["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "execvp failed"}""");

        Assert.Equal($"execvp failed; {GoesOn}", (await FailsAsync(MigrationMode.CprExec, old)).Message);
    }

    [Fact]
    public async Task What_QEMU_became_and_cannot_read_is_lost_and_told()
    {
        Dictionary<string, Reply> old = Old();
        old["migrate"] = new Reply { DiesAfter = true };

        Assert.Contains("the old QEMU is gone", (await FailsAsync(MigrationMode.CprExec, old, Refusing())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_handed_to_a_QEMU_that_did_not_start()
    {
        _launcher.Failures.Enqueue(new IOException("web.service could not be started"));

        MigrationException failed = await FailsAsync(MigrationMode.CprTransfer, Old());

        Assert.Equal($"web.service could not be started; {GoesOn}", failed.Message);
        Assert.Equal(["start /new"], _launcher.Did);
    }

    [Fact]
    public async Task A_QEMU_that_does_not_listen_is_ended_and_the_machine_goes_on()
    {
        MigrationException failed = await FailsAsync(MigrationMode.CprTransfer, Brief, Old());

        Assert.Matches($"did not listen within 0.5 s; {GoesOn}", failed.Message);
        Assert.Equal(["start /new", "end"], _launcher.Did);
    }

    [Fact]
    public async Task One_that_cannot_be_ended_does_not_keep_the_machine_from_going_on()
    {
        _launcher.OnEnd = () => throw new SystemdException("StopUnit", "web.service", "x", "no reply");

        MigrationException failed = await FailsAsync(MigrationMode.CprTransfer, Brief, Old());

        Assert.Matches($"{GoesOn} .the new one could not be ended: .*no reply", failed.Message);
    }

    [Theory]
    [InlineData(MigrationMode.CprExec)]
    [InlineData(MigrationMode.CprTransfer)]
    public async Task Memory_that_is_private_cannot_be_handed_over(MigrationMode mode)
    {
        await using var qemu = ScriptedPeer.Play(peer => PlayAsync(peer, Old()));
        await using QemuInstance old = await QemuInstance.ConnectAsync(qemu.SocketPath, Soon);

        Assert.Equal("its memory ram (memory-backend-ram) is private", LiveUpdate.Obstacle(old, mode));
        Assert.Null(LiveUpdate.Obstacle(old, MigrationMode.CprReboot));
        Assert.Equal(MigrationMode.CprReboot, LiveUpdate.Best(old, mayTransfer: true));
    }

    private Task<LiveUpdateReport> RunAsync(MigrationMode mode, params Dictionary<string, Reply>[] peers) => RunAsync(mode, Soon, peers);

    private async Task<LiveUpdateReport> RunAsync(MigrationMode mode, TimeSpan patience, params Dictionary<string, Reply>[] peers)
    {
        await using var qemu = ScriptedPeer.Play([.. peers.Select(peer => (Func<PeerConnection, Task>)(connection => PlayAsync(connection, peer)))]);
        await using QemuInstance old = await QemuInstance.ConnectAsync(qemu.SocketPath, Soon);
        if (peers[0].TryGetValue("quit", out Reply? quit) && quit.Hangs)
        {
            // Its end closes the conversation, which lets the next one be accepted.
            _launcher.OnEnd = () => old.Qmp.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        var update = new LiveUpdate(old, _launcher, StatePath) { StartTimeout = patience, StateTimeout = Soon };
        try
        {
            return await update.RunAsync(mode, "/new");
        }
        finally
        {
            await old.DisposeAsync();
            await qemu.PlayedAsync();
        }
    }

    private Task<MigrationException> FailsAsync(MigrationMode mode, params Dictionary<string, Reply>[] peers) => FailsAsync(mode, Brief, peers);

    private Task<MigrationException> FailsAsync(MigrationMode mode, TimeSpan patience, params Dictionary<string, Reply>[] peers) =>
        Assert.ThrowsAsync<MigrationException>(() => RunAsync(mode, patience, peers));

    private async Task PlayAsync(PeerConnection peer, Dictionary<string, Reply> replies)
    {
        await peer.GreetAsync();
        _said.Add(await peer.ServeAsync(replies));
    }

    /// <summary>Runs with a private memory, and is saved when it is asked to.</summary>
    private static Dictionary<string, Reply> Old() => new()
    {
        ["query-qmp-schema"] = new Reply(OneLine(QemuFeaturesTests.Eleven)),
        ["qom-list"] = new Reply("[]", "[]", """[{"name": "ram", "type": "child<memory-backend-ram>"}]"""),
        ["qom-get"] = new Reply("\"pc-q35-10.0-machine\"", "true", "1073741824", "false"),
        ["query-status"] = new Reply("""{"running": true, "status": "running"}"""),
        ["query-block"] = new Reply("[]"),
        ["migrate"] = new Reply { Events = [Reply.Event("STOP", 11), Reply.Migration("completed", 12)] },
        ["quit"] = new Reply { DiesAfter = true },
    };

    private static Dictionary<string, Reply> Loading() => new()
    {
        ["query-qmp-schema"] = new Reply(OneLine(QemuFeaturesTests.Eleven)),
        ["migrate-incoming"] = new Reply { Events = [Reply.Migration("completed", 19)] },
        ["cont"] = new Reply { Events = [Reply.Event("RESUME", 20)] },
    };

    private static Dictionary<string, Reply> Refusing() => new()
    {
        ["query-qmp-schema"] = new Reply(OneLine(QemuFeaturesTests.Eleven)),
        ["migrate-incoming"] = new Reply { Events = [Reply.Migration("failed", 19)] },
        ["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "Unknown savevm section"}"""),
    };

    private static string OneLine(string json) => json.Replace("\n", "", StringComparison.Ordinal);

    private sealed class Launcher : IQemuLauncher
    {
        public List<string> Did { get; } = [];

        /// <summary>Of the next starts.</summary>
        public Queue<Exception> Failures { get; } = [];

        public Action OnEnd { get; set; } = () => { };

        public Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken)
        {
            Did.Add($"start {commandLine.Program}");
            return Failures.TryDequeue(out Exception? failure) ? Task.FromException(failure) : Task.CompletedTask;
        }

        public Task EndAsync(CancellationToken cancellationToken)
        {
            Did.Add("end");
            OnEnd();
            return Task.CompletedTask;
        }
    }
}
