using System.Globalization;

namespace Nvwa.Criu;

/// <summary>
/// Something that belongs to the outside and is not to be dumped, by CRIU's name for it. Some of these names are
/// decimal and some hexadecimal, so they are made here.
/// </summary>
public readonly record struct ExternalResource
{
    private ExternalResource(string key)
    {
        Key = key;
    }

    /// <summary>Gets the name as CRIU reads it.</summary>
    public string Key { get; }

    /// <summary>
    /// <c>unix[inode]</c>: a unix socket whose other end is outside. The inode is printed in decimal.
    /// </summary>
    public static ExternalResource UnixSocket(uint inode) =>
        new(string.Create(CultureInfo.InvariantCulture, $"unix[{inode}]"));

    /// <summary>
    /// <c>file[mount:inode]</c>, both in hexadecimal: an open file whose mount the process does not see. The mount id
    /// is the one in /proc/PID/fdinfo.
    /// </summary>
    public static ExternalResource File(int mountId, ulong inode) =>
        new(string.Create(CultureInfo.InvariantCulture, $"file[{mountId:x}:{inode:x}]"));

    /// <summary><c>tty[rdev:dev]</c>, both in hexadecimal: a terminal whose master end is outside.</summary>
    public static ExternalResource Terminal(ulong deviceOfTerminal, ulong deviceOfFileSystem) =>
        new(string.Create(CultureInfo.InvariantCulture, $"tty[{deviceOfTerminal:x}:{deviceOfFileSystem:x}]"));

    /// <summary>
    /// <c>mnt[place]:name</c>: a mount that is not dumped. At the dump the place is the mount point and the name a
    /// cookie; at the restore the cookie comes first and the path to bind there second.
    /// </summary>
    public static ExternalResource Mount(string place, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(place);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new($"mnt[{place}]:{name}");
    }

    /// <summary>A name of another kind, as CRIU's manual has it.</summary>
    public static ExternalResource Raw(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return new(key);
    }

    public override string ToString() => Key;
}
