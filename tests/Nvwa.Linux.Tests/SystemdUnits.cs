namespace Nvwa.Linux.Tests;

/// <summary>The units of <see cref="SystemdInstance"/>. None has default dependencies: there is no sysinit.target.</summary>
internal static class SystemdUnits
{
    public static string Pipe(string root) => $"{root}/pipe";

    public static void Write(string directory, string root)
    {
        WriteUnit("default.target", "[Unit]\nDescription=Nothing\n");
        WriteService("sleeper", "Type=exec\nExecStart=sleep infinity\nKillSignal=SIGKILL");
        File.CreateSymbolicLink($"{directory}/dozer.service", "sleeper.service");
        File.CreateSymbolicLink($"{directory}/masked.service", "/dev/null");
        WriteService("failing", "Type=oneshot\nExecStart=false");

        // Each writes its name when it starts and when it has stopped. The middle one takes its time in both.
        WriteOrdered("front", "", "");
        WriteOrdered("middle", "After=front.service", "sleep 0.3; ");
        WriteOrdered("rear", "After=middle.service", "");

        // Its stop waits until someone reads from the pipe.
        WriteService("stubborn", $"Type=exec\nExecStart=sleep infinity\nExecStop=sh -c 'echo stopping > {Pipe(root)}'");

        void WriteOrdered(string name, string after, string delay) =>
            WriteService(
                name,
                $"Type=oneshot\nRemainAfterExit=yes\nExecStart=sh -c '{delay}echo +{name} >> {root}/order'\n"
                + $"ExecStop=sh -c '{delay}echo -{name} >> {root}/order'",
                after);

        void WriteService(string name, string service, string unit = "") =>
            WriteUnit($"{name}.service", $"[Unit]\nDescription=The {name}\n{unit}\n[Service]\n{service}\n");

        void WriteUnit(string name, string text) =>
            File.WriteAllText(
                $"{directory}/{name}",
                text.Replace("[Unit]", "[Unit]\nDefaultDependencies=no", StringComparison.Ordinal));
    }
}
