namespace Nvwa.Qemu;

/// <summary>How a machine's state crosses to another QEMU. Both sides must have the same; it is kept with the state.</summary>
/// <param name="Mode">Of the outgoing side.</param>
/// <param name="LeavesShared">Memory in shared files stays in them, and only the rest is written (x-ignore-shared).</param>
/// <param name="Channels">
/// Threads that write memory to its own place in the file (mapped-ram, multifd), 1 to 255; 0 for one stream of everything.
/// </param>
public sealed record MigrationOptions(MigrationMode Mode, bool LeavesShared = false, int Channels = 0)
{
    /// <summary>The files that memory stays in.</summary>
    public IReadOnlyList<MemoryFile> Memory { get; init; } = [];

    // What a disk takes; more threads only wait for each other.
    private const int MostChannels = 4;

    /// <summary>The fastest that a QEMU has for a file.</summary>
    /// <param name="mode">Of the outgoing side.</param>
    /// <param name="features">Of the outgoing side.</param>
    /// <param name="ram">Of the machine.</param>
    /// <param name="stays">Whether what is in a file is there for the next QEMU.</param>
    public static MigrationOptions ForFile(MigrationMode mode, QemuFeatures features, IReadOnlyList<RamBackend> ram, Func<MemoryFile, bool> stays)
    {
        ArgumentNullException.ThrowIfNull(features);
        MemoryFile?[] shared = [.. ram.Where(each => each.IsSharedFile).Select(each => MemoryFile.Of(each.Path!))];
        // One for all: what is shared and does not stay would be left out, too.
        bool leavesShared = shared.Length > 0 && shared.All(file => file is not null && stays(file)) && features.Capabilities.Contains("x-ignore-shared");
        bool copies = !leavesShared || ram.Any(each => !each.IsSharedFile);
        return new MigrationOptions(mode, leavesShared, copies && features.HasMappedRam ? Math.Clamp(Environment.ProcessorCount, 1, MostChannels) : 0)
        {
            Memory = leavesShared ? [.. shared.OfType<MemoryFile>()] : [],
        };
    }

    /// <summary>The capabilities that these options are about, with their values; the others are left as they are.</summary>
    internal IEnumerable<(string Name, bool Value)> Capabilities(QemuFeatures features) =>
        from capability in ((string Name, bool Value)[])
            [("events", true), ("x-ignore-shared", LeavesShared), ("mapped-ram", Channels > 0), ("multifd", Channels > 0)]
        where features.Capabilities.Contains(capability.Name)
        select capability;
}
