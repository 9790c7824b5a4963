namespace Nvwa.Lab;

/// <summary>
/// A guest in the middle of its work: memory and devices in one file, and the disk that belongs to them. Any number of guests
/// can go on from it, several at a time, each on its own overlay and network; nothing of it changes.
/// </summary>
public sealed class LabSnapshot : IDisposable
{
    private readonly GuestDirectory _directory;

    internal LabSnapshot(GuestDirectory directory, LabImage image, LabGuestOptions options)
    {
        _directory = directory;
        Image = image;
        Options = options;
    }

    public LabImage Image { get; }

    internal LabGuestOptions Options { get; }

    internal string Disk => DiskPath(_directory);

    internal string? Files => File.Exists(_directory.Files) ? _directory.Files : null;

    internal string State => StatePath(_directory);

    /// <summary>Removes the files: no guest from it may be running.</summary>
    public void Dispose() => _directory.Dispose();

    internal static string DiskPath(GuestDirectory directory) => Path.Combine(directory.FullName, "disk.qcow2");

    internal static string StatePath(GuestDirectory directory) => Path.Combine(directory.FullName, "state");
}
