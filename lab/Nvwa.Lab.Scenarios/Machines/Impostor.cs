using System.Runtime.Versioning;
using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios.Machines;

/// <summary>Programs that are not the QEMU that they are taken for. Those that answer are a QEMU as long as it has no machine.</summary>
[SupportedOSPlatform("linux")]
internal static class Impostor
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Starts, and says nothing.</summary>
    public static Task<string> ThatSleepsAsync(Subject subject) => WriteAsync(subject, "sleeps", "exec sleep 300");

    /// <summary>As a QEMU that does not know an option: it starts without a machine, and ends at once with one.</summary>
    public static async Task<string> ThatEndsAsync(Subject subject, string version) =>
        await WriteAsync(subject, "ends", $"{await ProbedAsync(version)}\nexit 1");

    /// <summary>Is gone when it has answered.</summary>
    public static async Task<string> ThatVanishesAsync(Subject subject, string version) =>
        await WriteAsync(subject, "vanishes", $"rm $0\n{await ProbedAsync(version)}");

    /// <summary>Does something before it is a QEMU with a machine.</summary>
    public static async Task<string> ThatBeginsWithAsync(Subject subject, string version, string command) =>
        await WriteAsync(subject, "begins", $"{await ProbedAsync(version)}\n{command}\nexec {await ProgramAsync(version)} \"$@\"");

    /// <summary>
    /// Is killed when it has begun to read the state. It tells of each field that it reads, into a pipe that is soon full: until
    /// it is killed, it goes no further.
    /// </summary>
    public static async Task<string> ThatIsKilledAsync(Subject subject, string version) =>
        await WriteAsync(subject, "is-killed", $"""
            {await ProbedAsync(version)}
            mkfifo $0.words
            {await ProgramAsync(version)} "$@" -trace 'enable=vmstate_load*' 2<>$0.words &
            while read -r word _; do [ "$word" != vmstate_load ] || break; done <$0.words
            kill -9 $!
            """);

    /// <summary>No program at all.</summary>
    public static async Task<string> ThatIsTextAsync(Subject subject)
    {
        string path = Path.Combine(subject.Machine.Directory, "text");
        await File.WriteAllTextAsync(path, "a text\n");
        return path;
    }

    public static async Task<string> ProgramAsync(string version) => (await LabPackage.LocateQemusAsync()).Program(version);

    private static async Task<string> ProbedAsync(string version) =>
        $"case \"$*\" in *'-machine none'*) exec {await ProgramAsync(version)} \"$@\";; esac";

    private static async Task<string> WriteAsync(Subject subject, string name, string script)
    {
        string path = Path.Combine(subject.Machine.Directory, name);
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, Executable);
        return path;
    }
}
