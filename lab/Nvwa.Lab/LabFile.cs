namespace Nvwa.Lab;

/// <summary>A file of this host that the guest is to have; its guest path is absolute, and missing directories are made.</summary>
public sealed record LabFile(string HostPath, string GuestPath, UnixFileMode Mode = LabFile.Readable)
{
    public const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public const UnixFileMode Executable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
}
