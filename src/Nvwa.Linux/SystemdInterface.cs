namespace Nvwa.Linux;

/// <summary>D-Bus interfaces of unit objects: org.freedesktop.systemd1(5).</summary>
public static class SystemdInterface
{
    public const string Unit = "org.freedesktop.systemd1.Unit";
    public const string Service = "org.freedesktop.systemd1.Service";
    public const string Scope = "org.freedesktop.systemd1.Scope";
    public const string Slice = "org.freedesktop.systemd1.Slice";
    public const string Socket = "org.freedesktop.systemd1.Socket";
    public const string Mount = "org.freedesktop.systemd1.Mount";
    public const string Swap = "org.freedesktop.systemd1.Swap";

    /// <summary>The interface for what only this kind of unit has; null for kinds that run no processes.</summary>
    internal static string? WithProcesses(string unit) => Path.GetExtension(unit) switch
    {
        ".service" => Service,
        ".scope" => Scope,
        ".slice" => Slice,
        ".socket" => Socket,
        ".mount" => Mount,
        ".swap" => Swap,
        _ => null,
    };
}
