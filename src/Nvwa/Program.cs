using System.CommandLine;
using Nvwa;
using Nvwa.Cli;
using Nvwa.Daemon;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.State;

// As shells say it: 128 + SIGINT.
const int Interrupted = 130;

// Where everything is put together: what comes from outside (directories, clock, standard streams) is named here only.
var files = new ConfigurationFiles(ConfigurationFiles.Directory);
var journal = new UpdateJournal(UpdateJournal.Directory);
var client = new Client(Console.Out, Console.Error, Console.In, TimeProvider.System);
var internals = new CommandTree.Internals(
    Daemon: async cancellation =>
    {
        using var daemon = new NvwaDaemon(files, journal, TimeProvider.System, Console.Error.WriteLine);
        return await daemon.RunAsync(cancellation);
    },
    Lock: cancellation => new LockHolder(journal, $"{ProcFs.BootId}").RunAsync(cancellation),
    Resume: (name, cancellation) => new Resume(journal, $"{ProcFs.BootId}").RunAsync(name, cancellation),
    Generate: directory => Generator.Write(journal.Read(), $"{ProcFs.BootId}", directory));

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
