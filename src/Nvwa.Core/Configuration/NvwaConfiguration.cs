namespace Nvwa.Core.Configuration;

/// <summary>What to keep: <c>/etc/nvwa/nvwa-restore.yaml</c>, with the keys of openEuler's nvwa.</summary>
/// <param name="Pids">Processes to keep, each the root of its process tree.</param>
/// <param name="Services">Units to keep, always with <c>.service</c>.</param>
/// <param name="RestoreNet">Whether the network configuration is brought back too.</param>
/// <param name="EnableQuickKexec">openEuler's quick kexec; accepted everywhere.</param>
/// <param name="EnablePinMemory">openEuler's pin memory; accepted everywhere.</param>
/// <param name="DebugMode">Keep images after a successful restore.</param>
public sealed record RestoreConfiguration(
    IReadOnlyList<int> Pids,
    IReadOnlyList<string> Services,
    bool RestoreNet = false,
    bool EnableQuickKexec = false,
    bool EnablePinMemory = false,
    bool DebugMode = false);

/// <summary>Where things are: <c>/etc/nvwa/nvwa-server.yaml</c>, with the keys and defaults of openEuler's nvwa.</summary>
public sealed record ServerConfiguration(
    string CriuDir = "/var/nvwa/running/",
    string CriuExe = "/usr/sbin/criu",
    string KexecExe = "/usr/sbin/kexec",
    string SystemdEtc = "/etc/systemd/system/",
    string LogDir = "/etc/nvwa/log/");

/// <summary>A configuration file that cannot be used. Nothing was changed.</summary>
public sealed class ConfigurationException(string file, int line, string problem)
    : Exception(line > 0 ? $"{file}:{line}: {problem}" : $"{file}: {problem}")
{
    public string File { get; } = file;

    /// <summary>1-based; 0 where the whole file is meant.</summary>
    public int Line { get; } = line;
}
