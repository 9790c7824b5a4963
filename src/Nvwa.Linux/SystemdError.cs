namespace Nvwa.Linux;

/// <summary>Names of errors that callers may want to tell apart; there are more. Source: systemd's bus-common-errors.h.</summary>
public static class SystemdError
{
    public const string NoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";
    public const string NoUnitForPid = "org.freedesktop.systemd1.NoUnitForPID";
    public const string UnitExists = "org.freedesktop.systemd1.UnitExists";
    public const string UnitMasked = "org.freedesktop.systemd1.UnitMasked";
    public const string UnitBusy = "org.freedesktop.systemd1.UnitBusy";
    public const string UnitInactive = "org.freedesktop.systemd1.UnitInactive";
    public const string LoadFailed = "org.freedesktop.systemd1.LoadFailed";
    public const string OnlyByDependency = "org.freedesktop.systemd1.OnlyByDependency";
    public const string TransactionIsDestructive = "org.freedesktop.systemd1.TransactionIsDestructive";
    public const string NotSupported = "org.freedesktop.DBus.Error.NotSupported";
    public const string NoSuchProcess = "org.freedesktop.DBus.Error.UnixProcessIdUnknown";
    public const string InvalidArgs = "org.freedesktop.DBus.Error.InvalidArgs";
    public const string UnknownMethod = "org.freedesktop.DBus.Error.UnknownMethod";
    public const string UnknownProperty = "org.freedesktop.DBus.Error.UnknownProperty";

    /// <summary>Not a name of D-Bus: the job was accepted, and ended with another result than <c>done</c>.</summary>
    public const string JobNotDone = "job-not-done";
}
