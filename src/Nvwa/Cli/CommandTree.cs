using System.CommandLine;
using System.CommandLine.Invocation;
using Nvwa.Api;

namespace Nvwa.Cli;

/// <summary>The words of the command line: verbs for people, and hidden ones that units call.</summary>
internal static class CommandTree
{
    /// <summary>What the units of the package call; not for people.</summary>
    public sealed record Internals(
        Func<CancellationToken, Task<ExitCode>> Daemon,
        Func<CancellationToken, Task<ExitCode>> Lock,
        Func<CancellationToken, Task<ExitCode>> Network,
        Func<string, CancellationToken, Task<ExitCode>> Resume,
        Func<string, ExitCode> Generate);

    /// <returns>The exit status of nvwa.</returns>
    public static async Task<int> InvokeAsync(RootCommand root, IReadOnlyList<string> args, InvocationConfiguration configuration)
    {
        ParseResult parsed = root.Parse(args);
        configuration.EnableDefaultExceptionHandler = false;
        if (parsed.CommandResult.Command.Hidden)
        {
            // systemd decides how long a stop may take: the daemon rolls a running update back first.
            configuration.ProcessTerminationTimeout = Timeout.InfiniteTimeSpan;
        }

        int code = await parsed.InvokeAsync(configuration);
        return parsed.Action is ParseErrorAction ? (int)ExitCode.Usage : code;
    }

    public static RootCommand Build(Client client, Internals internals)
    {
        var root = new RootCommand("nvwa - replaces the kernel of a running Linux host and restores what ran on it.")
        {
            Update(client),
            Check(client),
            Cancel(client),
            Init(client),
            Status(client),
            Machines(client),
            Hidden(new Command("daemon", "The daemon (nvwa.service)."), (_, cancellation) => internals.Daemon(cancellation)),
            Hidden(new Command("lock", "Holds the packet lock (nvwa-lock.service)."), (_, cancellation) => internals.Lock(cancellation)),
            Hidden(new Command("network", "Restores the network configuration (nvwa-network.service)."), (_, cancellation) => internals.Network(cancellation)),
            Resume(internals),
            Generate(internals),
        };
        var help = new Command("help", "Shows this list of commands.");
        help.Aliases.Add("h");
        help.SetAction(parsed => root.Parse("--help").Invoke(parsed.InvocationConfiguration));
        root.Add(help);
        root.SetAction(parsed => root.Parse("--help").Invoke(parsed.InvocationConfiguration));
        foreach (Option option in root.Options.Where(option => option is VersionOption))
        {
            option.Aliases.Add("-v");
        }

        return root;
    }

    private static Command Update(Client client)
    {
        var version = new Argument<string>("version") { Description = "The kernel's version, as in /boot/vmlinuz-<version>." };
        var append = new Option<string?>("--append") { Description = "Further parameters for the new kernel.", HelpName = "parameters" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Check, say what would be done, and touch nothing." };
        Option<bool> json = Json();
        var command = new Command("update", "Replaces the kernel by the given version and restores what is configured.") { version, append, dryRun, json };
        command.SetAction(async (parsed, cancellation) => (int)await client.UpdateAsync(
            new UpdateParameters(parsed.GetRequiredValue(version), parsed.GetValue(append), parsed.GetValue(dryRun)),
            parsed.GetValue(json),
            cancellation));
        return command;
    }

    private static Command Check(Client client)
    {
        var version = new Argument<string?>("version") { Description = "The new kernel.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = Json();
        var command = new Command("check", "Tells whether an update would start, and what stands in its way.") { version, json };
        command.SetAction(async (parsed, cancellation) =>
            (int)await client.CheckAsync(new CheckParameters(parsed.GetValue(version)), parsed.GetValue(json), cancellation));
        return command;
    }

    private static Command Cancel(Client client)
    {
        var command = new Command("cancel", "Stops a running update before its switch; it is rolled back.");
        command.SetAction(async (_, cancellation) => (int)await client.CancelAsync(cancellation));
        return command;
    }

    private static Command Init(Client client)
    {
        var discard = new Option<bool>("--discard") { Description = "Give up images that were saved and not restored." };
        var command = new Command("init", "Removes all that an update left.") { discard };
        command.SetAction(async (parsed, cancellation) => (int)await client.InitAsync(parsed.GetValue(discard), cancellation));
        return command;
    }

    private static Command Status(Client client)
    {
        var wait = new Option<string?>("--wait") { Description = "Wait until this update has ended; the exit status is its own.", HelpName = "id" };
        Option<bool> json = Json();
        var command = new Command("status", "Shows the update that runs, or the last one.") { wait, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string? id = parsed.GetValue(wait);
            return (int)await client.StatusAsync(new StatusParameters(id, id is not null), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static Command Machines(Client client) => new("vm", "Virtual machines: lists, checks, and takes them to another QEMU.")
    {
        ListMachines(client),
        CheckMachine(client),
        UpgradeMachine(client),
    };

    private static Command ListMachines(Client client)
    {
        Option<bool> json = Json();
        var command = new Command("list", "Shows the machines of nvwa-restore.yaml, and QEMUs that could be among them.") { json };
        command.SetAction(async (parsed, cancellation) => (int)await client.ListMachinesAsync(parsed.GetValue(json), cancellation));
        return command;
    }

    private static Command CheckMachine(Client client)
    {
        Argument<string> name = MachineName();
        Option<string?> qemu = Program("Tell whether this program could take it over, too.");
        Option<bool> json = Json();
        var command = new Command("check", "Tells how a machine would come through an update, and what stands in its way.") { name, qemu, json };
        command.SetAction(async (parsed, cancellation) => (int)await client.CheckMachineAsync(
            new CheckMachineParameters(parsed.GetRequiredValue(name), parsed.GetValue(qemu)), parsed.GetValue(json), cancellation));
        return command;
    }

    private static Command UpgradeMachine(Client client)
    {
        Argument<string> name = MachineName();
        Option<string?> qemu = Program("The new program, instead of what stands now where the old one was started from.");
        var mode = new Option<string?>("--mode") { Description = "cpr-exec, cpr-transfer, cpr-reboot or normal; without, the one with the least blackout.", HelpName = "mode" };
        Option<bool> json = Json();
        var command = new Command("upgrade", "Takes a running machine to another QEMU; the kernel stays.") { name, qemu, mode, json };
        command.SetAction(async (parsed, cancellation) => (int)await client.UpgradeMachineAsync(
            new UpgradeMachineParameters(parsed.GetRequiredValue(name), parsed.GetValue(qemu), parsed.GetValue(mode)), parsed.GetValue(json), cancellation));
        return command;
    }

    private static Argument<string> MachineName() => new("name") { Description = "As 'vms' in nvwa-restore.yaml has it." };

    private static Option<string?> Program(string description) => new("--qemu") { Description = description, HelpName = "path" };

    private static Command Resume(Internals internals)
    {
        var name = new Argument<string>("workload");
        return Hidden(
            new Command("resume", "Restores one workload (called by its unit).") { name },
            (parsed, cancellation) => internals.Resume(parsed.GetRequiredValue(name), cancellation));
    }

    private static Command Generate(Internals internals)
    {
        // systemd.generator(7): normal, early and late directory.
        var directories = new Argument<string[]>("directories") { Arity = new ArgumentArity(1, 3) };
        return Hidden(
            new Command("generate", "Writes drop-ins (called by the generator).") { directories },
            (parsed, _) => Task.FromResult(internals.Generate(parsed.GetRequiredValue(directories)[0])));
    }

    private static Command Hidden(Command command, Func<ParseResult, CancellationToken, Task<ExitCode>> action)
    {
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                return (int)await action(parsed, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // A stop by systemd is not a failure; the journal tells what is left to do.
                return (int)ExitCode.Done;
            }
        });
        return command;
    }

    private static Option<bool> Json() => new("--json") { Description = "Print JSON, one object a line." };
}
