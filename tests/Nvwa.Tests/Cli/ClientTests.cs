using System.Text.Json;
using Nvwa.Api;
using Nvwa.Cli;

namespace Nvwa.Tests.Cli;

/// <summary>What a person at a terminal, or a script, gets from each answer of the daemon. Needs root, as nvwa does.</summary>
public sealed class ClientTests : IDisposable
{
    private const string Id = "20261121T093000Z";

    private const string RunningUpdate =
        $$"""{"id":"{{Id}}","oldKernel":"6.12","newKernel":"7.0","phase":"save","outcome":"none","reason":null,"phases":[],"workloads":[],"restarted":[],"troubles":[],"network":null}""";

    private readonly TemporaryDirectory _directory = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly ManualTime _time = new();

    private string Socket => _directory["s"];

    public void Dispose()
    {
        _directory.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Without_a_daemon_one_line_says_how_to_start_it()
    {
        ExitCode code = await Client().CheckAsync(new CheckParameters(), json: false, CancellationToken.None).Soonest();

        Assert.Equal(ExitCode.Failed, code);
        Assert.Matches("^nvwa: the daemon is not running; start it with: systemctl start nvwa\n$", _error.ToString());
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public async Task A_socket_that_nobody_listens_on_is_a_daemon_that_is_not_running()
    {
        using (new ScriptedDaemon(Socket + "x"))
        {
            File.Move(Socket + "x", Socket);
        }

        Assert.Equal(ExitCode.Failed, await Client().CancelAsync(CancellationToken.None).Soonest());
        Assert.Contains("start it with: systemctl start nvwa", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Refused",
        """{"results":[{"check":"a","subject":"b","verdict":"pass","reason":"fine","remedy":null},{"check":"service","subject":"redis.service","verdict":"refuse","reason":"is inactive","remedy":"start it"}]}""",
        ExitCode.Refused, "nvwa: redis.service: is inactive; start it\nnvwa: nothing was touched\n")]
    [InlineData(
        "Refused",
        """{"results":[{"check":"kernel","subject":"9.9","verdict":"invalid","reason":"no such kernel is installed","remedy":"installed are: 6.12"},{"check":"a","subject":"b","verdict":"refuse","reason":"c","remedy":null}]}""",
        ExitCode.Usage, "nvwa: 9.9: no such kernel is installed; installed are: 6.12\nnvwa: b: c\nnvwa: nothing was touched\n")]
    [InlineData("Usage", """{"message":"/etc/nvwa/nvwa-restore.yaml:3: unknown key"}""", ExitCode.Usage, "nvwa: /etc/nvwa/nvwa-restore.yaml:3: unknown key\n")]
    [InlineData("Busy", $$"""{"id":"{{Id}}"}""", ExitCode.Failed, $"nvwa: update {Id} is running; follow it with: nvwa status --wait {Id}\n")]
    [InlineData("Failed", """{"message":"Save failed: x; rolled back"}""", ExitCode.Failed, "nvwa: Save failed: x; rolled back\n")]
    [InlineData(
        "ImagesPending", """{"workloads":["redis.service","1800"]}""",
        ExitCode.Refused, "nvwa: saved and not restored: redis.service, 1800; 'nvwa init --discard' gives them up\n")]
    [InlineData("Unheard", "{}", ExitCode.Failed, "nvwa: io.nvwa.Unheard\n")]
    public async Task An_error_of_the_daemon_is_told_and_has_an_exit_code_of_its_own(string error, string parameters, object expected, string text)
    {
        ExitCode code = await AnswerAsync(
            client => client.UpdateAsync(new UpdateParameters("7.0"), json: false, CancellationToken.None),
            $$"""{"error":"io.nvwa.{{error}}","parameters":{{parameters}}}""");

        Assert.Equal(expected, code);
        Assert.Equal(text, _error.ToString());
        Assert.Empty(_output.ToString());
    }

    [Theory]
    [InlineData("""{"error":"io.nvwa.Refused","parameters":{}}""")]
    [InlineData("""{"error":"io.nvwa.Busy"}""")]
    [InlineData("""{"parameters":{"removed":null}}""")]
    [InlineData("""{"parameters":{}}""")]
    [InlineData("nonsense")]
    public async Task A_daemon_that_does_not_keep_to_the_interface_is_an_error_and_no_crash(string answer)
    {
        ExitCode code = await AnswerAsync(client => client.InitAsync(discard: true, CancellationToken.None), answer);

        Assert.Equal(ExitCode.Failed, code);
        Assert.EndsWith("see: journalctl -u nvwa\n", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_asks_for_what_it_was_told()
    {
        JsonElement request = await RequestAsync(client => client.UpdateAsync(new UpdateParameters("7.0", "a=1", true), json: false, CancellationToken.None));

        Assert.Equal(
            """{"method":"io.nvwa.Update","parameters":{"version":"7.0","append":"a=1","dryRun":true},"more":true}""", request.GetRawText());
    }

    [Fact]
    public async Task An_update_shows_each_phase_and_the_warnings()
    {
        ExitCode code = await AnswerAsync(
            client => client.UpdateAsync(new UpdateParameters("7.0"), json: false, CancellationToken.None),
            $$$"""
            {"continues":true,"parameters":{"id":"{{{Id}}}","phase":"check","message":"update","results":[{"check":"c","subject":"s","verdict":"warn","reason":"r","remedy":"m"},{"check":"c","subject":"p","verdict":"pass","reason":"r","remedy":null}]}}
            {"continues":true,"parameters":{"id":"{{{Id}}}","phase":"load","message":"loaded","results":null}}
            {"continues":true,"parameters":{"id":"{{{Id}}}","phase":"switch","message":"jumping"}}
            """);

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal("         warn: s: r; m\nCheck    update\nLoad     loaded\nSwitch   jumping\n", _output.ToString());
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public async Task A_connection_that_is_cut_before_the_switch_is_a_failure()
    {
        ExitCode code = await AnswerAsync(
            client => client.UpdateAsync(new UpdateParameters("7.0"), json: false, CancellationToken.None),
            $$$"""{"continues":true,"parameters":{"id":"{{{Id}}}","phase":"save","message":"saved","results":null}}""");

        Assert.Equal(ExitCode.Failed, code);
        Assert.StartsWith("nvwa: the daemon went away: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_switch_that_failed_is_a_failure()
    {
        ExitCode code = await AnswerAsync(
            client => client.UpdateAsync(new UpdateParameters("7.0"), json: false, CancellationToken.None),
            """
            {"continues":true,"parameters":{"id":"x","phase":"switch","message":"jumping","results":null}}
            {"error":"io.nvwa.Failed","parameters":{"message":"Switch failed"}}
            """);

        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal("nvwa: Switch failed\n", _error.ToString());
    }

    [Fact]
    public async Task With_json_each_step_is_a_line()
    {
        const string Step = """{"id":null,"phase":"rollBack","message":"m","results":null}""";

        await AnswerAsync(client => client.UpdateAsync(new UpdateParameters("7.0"), json: true, CancellationToken.None), $$"""{"parameters":{{Step}}}""");

        Assert.Equal(Step + "\n", _output.ToString());
    }

    [Fact]
    public async Task Somebody_who_interrupts_ends_the_waiting()
    {
        using var daemon = new ScriptedDaemon(Socket);
        using var interrupt = new CancellationTokenSource();
        Task<ExitCode> running = Client().UpdateAsync(new UpdateParameters("7.0"), json: false, interrupt.Token);
        using ScriptedDaemon.Connection connection = await daemon.AcceptAsync();
        await connection.ReadAsync();

        await interrupt.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Soonest());
        Assert.Null(await connection.ReadAsync());
    }

    [Theory]
    [InlineData("pass", ExitCode.Done)]
    [InlineData("unknown", ExitCode.Done)]
    [InlineData("warn", ExitCode.Done)]
    [InlineData("refuse", ExitCode.Refused)]
    [InlineData("invalid", ExitCode.Usage)]
    public async Task A_check_ends_with_its_gravest_answer(string verdict, object expected)
    {
        ExitCode code = await AnswerAsync(
            client => client.CheckAsync(new CheckParameters("7.0"), json: false, CancellationToken.None),
            $$$"""{"parameters":{"results":[{"check":"a","subject":"b","verdict":"pass","reason":"c","remedy":null},{"check":"d","subject":"e","verdict":"{{{verdict}}}","reason":"f","remedy":"g"}]}}""");

        Assert.Equal(expected, code);
        Assert.Contains("f; g", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_table_of_a_check_has_the_gravest_first_and_cuts_nothing_off_and_ends_with_a_sum()
    {
        string reason = new('x', 500);
        await AnswerAsync(
            client => client.CheckAsync(new CheckParameters(), json: false, CancellationToken.None),
            $$$"""{"parameters":{"results":[{"check":"a","subject":"[red]b","verdict":"pass","reason":"fine","remedy":null},{"check":"d","subject":"e","verdict":"refuse","reason":"{{{reason}}}","remedy":"g"}]}}""");

        Assert.Equal($"refuse  d  e       {reason}; g\npass    a  [red]b  fine\n\n1 refuse, 1 pass\n", _output.ToString());
    }

    [Fact]
    public async Task Cancel_says_how_to_follow()
    {
        ExitCode code = await AnswerAsync(client => client.CancelAsync(CancellationToken.None), $$$"""{"parameters":{"id":"{{{Id}}}"}}""");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal($"Update {Id} is being rolled back; follow with: nvwa status --wait {Id}\n", _output.ToString());
    }

    [Theory]
    [InlineData("""["/a/b","the packet lock"]""", "Removed /a/b\nRemoved the packet lock\n")]
    [InlineData("[]", "Nothing to remove.\n")]
    public async Task Init_says_what_it_removed(string removed, string expected)
    {
        ExitCode code = await AnswerAsync(client => client.InitAsync(discard: false, CancellationToken.None), $$$"""{"parameters":{"removed":{{{removed}}}}}""");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal(expected, _output.ToString());
    }

    [Theory]
    [InlineData("y", ExitCode.Done)]
    [InlineData("yes", ExitCode.Done)]
    [InlineData("n", ExitCode.Refused)]
    [InlineData("", ExitCode.Refused)]
    [InlineData("yy", ExitCode.Refused)]
    public async Task Init_asks_before_it_gives_up_images(string answer, object expected)
    {
        using var daemon = new ScriptedDaemon(Socket);
        Task<ExitCode> running = Client(answer + "\n", isInteractive: true).InitAsync(discard: false, CancellationToken.None);
        using ScriptedDaemon.Connection connection = await daemon.AcceptAsync();
        await connection.ReadAsync();
        await connection.SayAsync("""{"error":"io.nvwa.ImagesPending","parameters":{"workloads":["redis.service"]}}""");

        bool again = await connection.ReadAsync() is { } second
            && second.GetProperty("parameters").GetProperty("discard").GetBoolean();
        if (again)
        {
            await connection.SayAsync("""{"parameters":{"removed":["x"]}}""");
        }

        Assert.Equal(expected, await running.Soonest());
        Assert.Equal(expected is ExitCode.Done, again);
        Assert.StartsWith("Saved and not restored: redis.service. Give them up? [y/N] ", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_shows_what_became_of_each_workload()
    {
        ExitCode code = await AnswerAsync(
            client => client.StatusAsync(new StatusParameters(), json: false, CancellationToken.None),
            $$$$"""
            {"parameters":{"version":"0.1.0","kernel":"7.0","update":{"id":"{{{{Id}}}}","oldKernel":"6.12","newKernel":"7.0","phase":"confirm","outcome":"degraded","reason":null,"phases":[],"workloads":[{"name":"redis.service","kind":"service","unit":"redis.service","step":"restored","pidBefore":612,"pidAfter":612,"imageBytes":1,"reason":null,"log":null,"blackout":{"milliseconds":5250,"parts":[{"name":"freeze","milliseconds":250},{"name":"dump","milliseconds":5000}],"isExact":true}},{"name":"1800","kind":"process","unit":"nvwa-1800.scope","step":"lost","pidBefore":1800,"pidAfter":null,"imageBytes":1,"reason":"its PID is taken","log":"/l","blackout":null}],"restarted":["cron.service"],"troubles":["t"]}}}
            """);

        Assert.Equal(ExitCode.Degraded, code);
        Assert.Equal(
            $"""
            nvwa 0.1.0 on Linux 7.0
            Update {Id}: 6.12 -> 7.0, degraded
              Restarted: cron.service
              Trouble: t

            WORKLOAD       STATE     PID         BLACKOUT  FREEZE  DUMP
            redis.service  restored  612 -> 612  5.25 s    0.25    5.00
            1800           lost      1800        -         -       -
            1800: its PID is taken; log: /l

            """,
            _output.ToString());
    }

    [Fact]
    public async Task Status_of_a_host_that_was_never_updated_says_so()
    {
        ExitCode code = await AnswerAsync(
            client => client.StatusAsync(new StatusParameters(), json: false, CancellationToken.None), """{"parameters":{"version":"0.1.0","kernel":"6.12","update":null}}""");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal("nvwa 0.1.0 on Linux 6.12\nNo update was made yet.\n", _output.ToString());
    }

    [Fact]
    public async Task Status_in_json_is_what_the_daemon_said()
    {
        const string Said = $$"""{"version":"0.1.0","kernel":"6.12","update":{{RunningUpdate}}}""";

        await AnswerAsync(client => client.StatusAsync(new StatusParameters(), json: true, CancellationToken.None), $$"""{"parameters":{{Said}}}""");

        Assert.Equal(Said + "\n", _output.ToString());
    }

    [Theory]
    [InlineData("updated", ExitCode.Done)]
    [InlineData("rolledBack", ExitCode.Failed)]
    [InlineData("none", ExitCode.Failed)]
    [InlineData("degraded", ExitCode.Degraded)]
    [InlineData("interrupted", ExitCode.Degraded)]
    [InlineData("discarded", ExitCode.Degraded)]
    public async Task The_exit_code_of_waiting_is_that_of_the_update(string outcome, object expected) => Assert.Equal(
        expected, await AnswerAsync(client => client.StatusAsync(new StatusParameters(Id, true), json: false, CancellationToken.None), Ended(outcome)));

    [Fact]
    public async Task Waiting_goes_on_across_a_daemon_that_goes_away_and_comes_back()
    {
        Task<ExitCode> waiting;
        using (var old = new ScriptedDaemon(Socket))
        {
            waiting = Client().StatusAsync(new StatusParameters(Id, true), json: false, CancellationToken.None);
            using ScriptedDaemon.Connection connection = await old.AcceptAsync();
            Assert.Equal(
                $$"""{"method":"io.nvwa.Status","parameters":{"id":"{{Id}}","wait":true},"more":true}""", (await connection.ReadAsync())!.Value.GetRawText());
        }

        // Twice nobody is there.
        await PassAsync();
        await PassAsync();
        TimeSpan pause = await _time.StartedAsync();
        using var daemon = new ScriptedDaemon(Socket);
        _time.Advance(pause);
        using ScriptedDaemon.Connection after = await daemon.AcceptAsync();
        await after.ReadAsync();
        await after.SayAsync(Ended("updated"));

        Assert.Equal(ExitCode.Done, await waiting.Soonest());
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public async Task A_long_update_before_the_daemon_goes_away_does_not_shorten_the_patience()
    {
        Task<ExitCode> waiting;
        using (var old = new ScriptedDaemon(Socket))
        {
            waiting = Client().StatusAsync(new StatusParameters(Id, true), json: false, CancellationToken.None);
            using ScriptedDaemon.Connection connection = await old.AcceptAsync();
            await connection.ReadAsync();
            _time.Advance(TimeSpan.FromHours(1));
        }

        TimeSpan pause = await _time.StartedAsync();
        using var daemon = new ScriptedDaemon(Socket);
        _time.Advance(pause);
        using ScriptedDaemon.Connection after = await daemon.AcceptAsync();
        await after.ReadAsync();
        await after.SayAsync(Ended("updated"));

        Assert.Equal(ExitCode.Done, await waiting.Soonest());
    }

    [Fact]
    public async Task A_daemon_that_does_not_come_back_ends_the_waiting_with_a_line()
    {
        Task<ExitCode> waiting = Client().StatusAsync(new StatusParameters(Id, true), json: false, CancellationToken.None);
        await _time.StartedAsync();

        _time.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(ExitCode.Failed, await waiting.Soonest());
        Assert.Contains("start it with: systemctl start nvwa", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_an_update_that_never_was_is_wrong_usage()
    {
        ExitCode code = await AnswerAsync(
            client => client.StatusAsync(new StatusParameters("x", true), json: false, CancellationToken.None),
            """{"error":"io.nvwa.Usage","parameters":{"message":"status: there is no update x"}}""");

        Assert.Equal(ExitCode.Usage, code);
        Assert.Equal("nvwa: status: there is no update x\n", _error.ToString());
    }

    [Fact]
    public async Task Machines_are_a_table_and_what_is_wrong_with_one_a_line_below()
    {
        ExitCode code = await AnswerAsync(
            client => client.ListMachinesAsync(json: false, CancellationToken.None),
            """
            {"parameters":{"machines":[{"name":"web","qmp":"/run/web.qmp","isConfigured":true,"unit":"web.service","pid":812,"version":"10.0.2","machine":"pc-q35-10.0","status":"running","memoryMebibytes":2048,"problem":null},{"name":"db","qmp":"/run/db.qmp","isConfigured":false,"unit":null,"pid":null,"version":null,"machine":null,"status":null,"memoryMebibytes":null,"problem":"nobody answers"}]}}
            """);

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal(
            """
            NAME  CONFIGURED  STATUS   PID  QEMU    MEMORY    UNIT         QMP
            web   yes         running  812  10.0.2  2048 MiB  web.service  /run/web.qmp
            db    no          -        -    -       -         -            /run/db.qmp
            db: nobody answers

            """,
            _output.ToString());
    }

    [Fact]
    public async Task Without_machines_a_line_says_so()
    {
        Assert.Equal(ExitCode.Done, await AnswerAsync(client => client.ListMachinesAsync(json: false, CancellationToken.None), """{"parameters":{"machines":[]}}"""));
        Assert.Equal("No virtual machine is configured, and no QEMU with a QMP socket runs.\n", _output.ToString());
    }

    [Fact]
    public async Task Machines_in_json_are_what_the_daemon_said()
    {
        const string Said = """{"machines":[{"name":"db","qmp":"/run/db.qmp","isConfigured":false,"unit":null,"pid":null,"version":null,"machine":null,"status":null,"memoryMebibytes":null,"problem":"nobody answers"}]}""";

        await AnswerAsync(client => client.ListMachinesAsync(json: true, CancellationToken.None), $$"""{"parameters":{{Said}}}""");

        Assert.Equal(Said + "\n", _output.ToString());
    }

    [Theory]
    [InlineData("warn", ExitCode.Done, "warn  vm  web  f; g\npass  vm  web  fine\n\n1 warn, 1 pass\n")]
    [InlineData("refuse", ExitCode.Refused, "refuse  vm  web  f; g\npass    vm  web  fine\n\n1 refuse, 1 pass\n")]
    public async Task The_check_of_a_machine_ends_with_its_gravest_answer(string verdict, object expected, string table)
    {
        ExitCode code = await AnswerAsync(
            client => client.CheckMachineAsync(new CheckMachineParameters("web"), json: false, CancellationToken.None),
            $$$"""{"parameters":{"results":[{"check":"vm","subject":"web","verdict":"pass","reason":"fine","remedy":null},{"check":"vm","subject":"web","verdict":"{{{verdict}}}","reason":"f","remedy":"g"}]}}""");

        Assert.Equal(expected, code);
        Assert.Equal(table, _output.ToString());
    }

    [Fact]
    public async Task An_upgrade_says_which_way_it_went_and_how_long_the_machine_stood_still()
    {
        ExitCode code = await AnswerAsync(
            client => client.UpgradeMachineAsync(new UpgradeMachineParameters("web"), json: false, CancellationToken.None),
            """{"parameters":{"name":"web","mode":"cpr-exec","oldVersion":"11.0.0","newVersion":"11.1.3","blackout":{"milliseconds":70,"parts":[{"name":"save","milliseconds":10},{"name":"start","milliseconds":60}],"isExact":true},"setbacks":[]}}""");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal("web: QEMU 11.0.0 -> 11.1.3 by cpr-exec, 70 ms (save 10, start 60)\n", _output.ToString());
    }

    [Fact]
    public async Task An_upgrade_that_ended_in_the_old_program_is_degraded()
    {
        ExitCode code = await AnswerAsync(
            client => client.UpgradeMachineAsync(new UpgradeMachineParameters("web"), json: false, CancellationToken.None),
            """{"parameters":{"name":"web","mode":"cpr-reboot","oldVersion":"11.0.0","newVersion":"11.0.0","blackout":null,"setbacks":["/new: it ended"]}}""");

        Assert.Equal(ExitCode.Degraded, code);
        Assert.Equal("web: QEMU 11.0.0 -> 11.0.0 by cpr-reboot\n  Setback: /new: it ended\n", _output.ToString());
    }

    private static string Ended(string outcome) =>
        $$$"""{"parameters":{"version":"0.1.0","kernel":"7.0","update":{{{RunningUpdate.Replace("none", outcome, StringComparison.Ordinal)}}}}}""";

    private async Task PassAsync() => _time.Advance(await _time.StartedAsync());

    private Client Client(string input = "", bool isInteractive = false) =>
        new(_output, _error, new StringReader(input), _time, Socket, isInteractive);

    /// <summary>The daemon answers with these lines, a message each, and closes.</summary>
    private async Task<ExitCode> AnswerAsync(Func<Client, Task<ExitCode>> verb, string messages)
    {
        using var daemon = new ScriptedDaemon(Socket);
        Task<ExitCode> running = verb(Client());
        using (ScriptedDaemon.Connection connection = await daemon.AcceptAsync())
        {
            await connection.ReadAsync();
            foreach (string message in messages.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                await connection.SayAsync(message);
            }
        }

        return await running.Soonest();
    }

    private async Task<JsonElement> RequestAsync(Func<Client, Task<ExitCode>> verb)
    {
        using var daemon = new ScriptedDaemon(Socket);
        Task<ExitCode> running = verb(Client());
        JsonElement request;
        using (ScriptedDaemon.Connection connection = await daemon.AcceptAsync())
        {
            request = (await connection.ReadAsync())!.Value;
        }

        await running.Soonest();
        return request;
    }
}
