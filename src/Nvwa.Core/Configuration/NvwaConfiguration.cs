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
    bool DebugMode = false)
{
    /// <summary>Virtual machines to keep. A key of our own.</summary>
    public IReadOnlyList<MachineConfiguration> Machines { get; init; } = [];
}

/// <summary>A virtual machine: an entry of <c>vms</c>.</summary>
/// <param name="Name">Chosen by the operator; a directory of its own has it too.</param>
/// <param name="Qmp">QEMU's QMP socket.</param>
/// <param name="GuestAgent">The host's end of the guest agent's port; null for none.</param>
/// <param name="Unit">The service whose main process QEMU is; null for a QEMU that stands alone.</param>
/// <param name="Qemu">The program that takes the machine over; null for the one that it has.</param>
public sealed record MachineConfiguration(string Name, string Qmp, string? GuestAgent = null, string? Unit = null, string? Qemu = null);

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
