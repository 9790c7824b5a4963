namespace Nvwa.Qemu;

public enum GuestFileMode
{
    None = 0,

    /// <summary>The file must exist.</summary>
    Read,

    /// <summary>The file is created, or emptied first.</summary>
    Write,

    Append,
}
