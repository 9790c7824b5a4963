using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>
/// A new kernel that panics comes back by itself (panic=); one that hangs only if a hardware watchdog is fed: Documentation/watchdog.
/// </summary>
internal sealed class WatchdogCheck : IHostCheck
{
    private const string NoHelp = "a new kernel that panics comes back by itself, one that hangs must be reset by hand";

    public string Name => "watchdog";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        string all = Path.Combine(host.Root, "sys/class/watchdog");
        string[] watchdogs = Directory.Exists(all) ? [.. Directory.GetDirectories(all).Order(StringComparer.Ordinal)] : [];
        yield return watchdogs switch
        {
            [] => CheckResult.Pass(Name, "host", $"has none: {NoHelp}"),
            [..] when watchdogs.FirstOrDefault(watchdog => Read(watchdog, "state") == "active") is { } active =>
                CheckResult.Pass(Name, Path.GetFileName(active), $"{Read(active, "identity")} is being fed, and is as the new kernel's driver takes it over"),
            [var first, ..] => CheckResult.Warn(
                Name, Path.GetFileName(first), $"{Read(first, "identity")} is not fed: {NoHelp}",
                "RuntimeWatchdogSec= in systemd-system.conf(5) has systemd feed it, on both sides of the switch"),
        };
    }

    private static string Read(string watchdog, string name)
    {
        string path = Path.Combine(watchdog, name);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
