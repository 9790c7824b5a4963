namespace Nvwa.Qemu;

/// <summary>A program to run in the guest, as the agent's user (root) and without a terminal.</summary>
public sealed record GuestCommand(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>A line for the guest's /bin/sh.</summary>
    public static GuestCommand Shell(string commandLine) => new("/bin/sh", ["-c", commandLine]);
}
