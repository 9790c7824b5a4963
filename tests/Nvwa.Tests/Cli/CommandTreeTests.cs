using System.CommandLine;
using Nvwa.Cli;

namespace Nvwa.Tests.Cli;

public sealed class CommandTreeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly List<string> _called = [];

    public void Dispose()
    {
        _directory.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Theory]
    [InlineData]
    [InlineData("help")]
    [InlineData("h")]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Help_lists_the_verbs_for_people_and_hides_those_for_units(params string[] args)
    {
        Assert.Equal(0, await InvokeAsync(args));

        string[] listed = Listed(_output.ToString());
        Assert.Equal(["cancel", "check", "help", "init", "status", "update", "vm"], listed.Order(StringComparer.Ordinal));
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public async Task Every_verb_has_a_help_of_its_own()
    {
        foreach (string verb in (string[])["update", "check", "cancel", "init", "status", "vm", "vm list", "vm check", "vm upgrade"])
        {
            Assert.Equal(0, await InvokeAsync([.. verb.Split(' '), "--help"]));
        }

        Assert.Empty(_error.ToString());
        Assert.Contains("--append", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--dry-run", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--discard", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--wait", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--mode", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("updat", "7.0")]
    [InlineData("--frobnicate")]
    [InlineData("update")]
    [InlineData("update", "7.0", "8.0")]
    [InlineData("update", "7.0", "--append")]
    [InlineData("update", "7.0", "--frobnicate")]
    [InlineData("update", "7.0", "--dry-run=maybe")]
    [InlineData("check", "7.0", "8.0")]
    [InlineData("init", "now")]
    [InlineData("status", "--wait")]
    [InlineData("cancel", "it")]
    [InlineData("vm")]
    [InlineData("vm", "frobnicate")]
    [InlineData("vm", "list", "web")]
    [InlineData("vm", "check")]
    [InlineData("vm", "upgrade")]
    [InlineData("vm", "upgrade", "web", "--qemu")]
    [InlineData("resume")]
    [InlineData("generate")]
    [InlineData("generate", "a", "b", "c", "d")]
    public async Task Wrong_usage_has_the_exit_code_of_wrong_usage(params string[] args)
    {
        Assert.Equal((int)ExitCode.Usage, await InvokeAsync(args));
        Assert.NotEmpty(_error.ToString());
        Assert.Empty(_called);
    }

    [Theory]
    [InlineData("daemon", "daemon")]
    [InlineData("lock", "lock")]
    [InlineData("resume redis.service", "resume redis.service")]
    [InlineData("generate /run/a /run/b /run/c", "generate /run/a")]
    [InlineData("generate /run/a", "generate /run/a")]
    public async Task Units_call_what_is_hidden(string line, string called)
    {
        Assert.Equal((int)ExitCode.Degraded, await InvokeAsync(line.Split(' ')));
        Assert.Equal([called], _called);
    }

    [Theory]
    [InlineData("update 7.0 --append \"a b\" --dry-run", """{"version":"7.0","append":"a b","dryRun":true}""")]
    [InlineData("update 7.0", """{"version":"7.0","append":null,"dryRun":false}""")]
    [InlineData("check", """{"version":null}""")]
    [InlineData("check 7.0", """{"version":"7.0"}""")]
    [InlineData("cancel", "{}")]
    [InlineData("init", """{"discard":false}""")]
    [InlineData("init --discard", """{"discard":true}""")]
    [InlineData("status", """{"id":null,"wait":false}""")]
    [InlineData("status --wait X", """{"id":"X","wait":true}""")]
    [InlineData("vm list", "{}")]
    [InlineData("vm check web", """{"name":"web","qemu":null}""")]
    [InlineData("vm check web --qemu /q", """{"name":"web","qemu":"/q"}""")]
    [InlineData("vm upgrade web", """{"name":"web","qemu":null,"mode":null}""")]
    [InlineData("vm upgrade web --qemu /q --mode cpr-exec", """{"name":"web","qemu":"/q","mode":"cpr-exec"}""")]
    public async Task A_verb_asks_the_daemon_for_what_was_typed(string line, string parameters)
    {
        using var daemon = new ScriptedDaemon(_directory["s"]);
        Task<int> running = InvokeAsync([.. System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(line)]);
        using (ScriptedDaemon.Connection connection = await daemon.AcceptAsync())
        {
            Assert.Equal(parameters, (await connection.ReadAsync())!.Value.GetProperty("parameters").GetRawText());
            await connection.SayAsync("""{"error":"io.nvwa.Usage","parameters":{"message":"no"}}""");
        }

        Assert.Equal((int)ExitCode.Usage, await running.Soonest());
    }

    [Fact]
    public async Task A_stop_by_systemd_is_not_a_failure_of_what_is_hidden()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        RootCommand root = CommandTree.Build(Client(), Internals() with { Lock = cancellation => Task.FromCanceled<ExitCode>(cancellation) });

        Assert.Equal(0, await root.Parse("lock").InvokeAsync(Configuration(), stop.Token));
    }

    private Task<int> InvokeAsync(params string[] args) => CommandTree.InvokeAsync(CommandTree.Build(Client(), Internals()), args, Configuration());

    private InvocationConfiguration Configuration() => new() { Output = _output, Error = _error, EnableDefaultExceptionHandler = false };

    private Client Client() => new(_output, _error, TextReader.Null, TimeProvider.System, _directory["s"], isInteractive: false);

    private CommandTree.Internals Internals() => new(
        Daemon: _ => Call("daemon"),
        Lock: _ => Call("lock"),
        Network: _ => Call("network"),
        Resume: (name, _) => Call($"resume {name}"),
        Generate: directory => Call($"generate {directory}").GetAwaiter().GetResult());

    private Task<ExitCode> Call(string what)
    {
        _called.Add(what);
        return Task.FromResult(ExitCode.Degraded);
    }

    /// <summary>The first words of the lines under "Commands:".</summary>
    private static string[] Listed(string help)
    {
        string[] lines = help.Split('\n');
        return
        [
            .. lines.SkipWhile(line => !line.StartsWith("Commands:", StringComparison.Ordinal)).Skip(1)
                .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal))
                .Select(line => line.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))
                .Select(words => words[0] == "h" ? words[1] : words[0]),
        ];
    }
}
