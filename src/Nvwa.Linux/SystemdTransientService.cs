using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>A service that exists from its start to its end and has no file: see systemd-run(1).</summary>
/// <param name="Name">With <c>.service</c>.</param>
/// <param name="Arguments">The absolute path of the program, then its arguments; no variable in them is expanded.</param>
public sealed record SystemdTransientService(string Name, IReadOnlyList<string> Arguments)
{
    public string? Description { get; init; }

    /// <summary>Null for <c>system.slice</c>.</summary>
    public string? Slice { get; init; }

    /// <summary>Becomes descriptor 0. Stays open here too; the caller closes its own.</summary>
    public SafeHandle? StandardInput { get; init; }

    /// <summary><c>exec</c>: started means that the program itself runs, so a missing one is noticed.</summary>
    public string Type { get; init; } = "exec";

    public string KillMode { get; init; } = "control-group";

    public int? OomScoreAdjust { get; init; }

    /// <summary>Null for root. Its groups are those of the user database.</summary>
    public uint? User { get; init; }

    /// <summary>Null for the root directory.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>In addition to what the manager gives every service.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Off: default dependencies require sysinit.target, so a start would wait for it in early boot, and would start
    /// again what was stopped (udevd, journald) while a switch is prepared.
    /// </summary>
    public bool DefaultDependencies { get; init; }
}
