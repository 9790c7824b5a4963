namespace Nvwa.Qemu;

/// <param name="Running">Whether virtual CPUs run.</param>
/// <param name="Status">QEMU's run state: "running", "paused", "postmigrate", "inmigrate", ...</param>
public sealed record QmpRunStatus(bool Running, string Status);
