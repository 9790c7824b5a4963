using System.CommandLine;
using System.Runtime.InteropServices;
using Nvwa;
using Nvwa.Cli;
using Nvwa.Core.Journal;
using Nvwa.Daemon;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.State;

// As shells say it: 128 + SIGINT.
const int Interrupted = 130;

// Where everything is put together: what comes from outside (directories, clock, standard streams) is named here only.
var files = new ConfigurationFiles(ConfigurationFiles.Directory);
var journal = new UpdateJournal(UpdateJournal.Directory);
var client = new Client(Console.Out, Console.Error, Console.In, TimeProvider.System);
#pragma warning disable RS0030 // The one place where the environment is read.
string? faults = Environment.GetEnvironmentVariable("NVWA_FAULTS");
#pragma warning restore RS0030
var internals = new CommandTree.Internals(
    Daemon: async cancellation =>
    {
        using var daemon = new NvwaDaemon(files, journal, Connect, TimeProvider.System, Log);
        return await daemon.RunAsync(cancellation);
    },
    Lock: async cancellation =>
    {
        // Registered before READY=1: a hang-up that came earlier would end the process.
        using var hangUps = new SemaphoreSlim(0);
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            hangUps.Release();
        });
        using IHost host = Connect();
        return await new LockHolder(host, hangUps.WaitAsync, () => Notify.Send("READY=1"), Log).RunAsync(cancellation);
    },
    Network: async cancellation =>
    {
        using IHost host = Connect();
        return await new NetworkRestore(host, Log).RunAsync(cancellation);
    },
    Resume: async (name, cancellation) =>
    {
        SpeakToJournal();
        using IHost host = Connect();
        return await new Resume(host, Log).RunAsync(name, cancellation);
    },
    Generate: directory =>
    {
        UpdateState? state = journal.Read();
        ExitCode written = Generator.Write(state, $"{ProcFs.BootId}", directory);
        // Last: a kernel that does not let itself be told must not cost the drop-ins.
        EarlyBoot.ReservePids(state, $"{ProcFs.BootId}", ProcFs.CommandLine);
        return written;
    });

try
{
    return await CommandTree.InvokeAsync(CommandTree.Build(client, internals), args, new InvocationConfiguration());
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("nvwa: interrupted; what the daemon has begun goes on, see: nvwa status");
    return Interrupted;
}
catch (Exception failed) when (failed is LinuxException or SystemdException or IOException or InvalidDataException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"nvwa: {failed.Message}");
    return (int)ExitCode.Failed;
}

IHost Connect() => faults is { Length: > 0 } file ? new FaultyHost(new LinuxHost(journal, Log), new FaultFile(file)) : new LinuxHost(journal, Log);

// Our standard error is that of the service, and may be a file, which CRIU wants as long as it was. The line is logged for our unit.
static void SpeakToJournal()
{
    try
    {
        Console.SetError(Journald.OpenWriter("nvwa"));
    }
    catch (LinuxException)
    {
        // No reason to restore nothing: what became of it is in the journal of the update.
        Console.SetError(TextWriter.Null);
    }
}

static void Log(string line)
{
    try
    {
        Console.Error.WriteLine($"nvwa: {line}");
    }
    catch (IOException)
    {
        // A journald that has closed its streams: no line is worth what it is about.
    }
}
