using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary>
/// <c>inventory.img</c>: the first file a restore reads and the last one a dump writes; a directory without it holds no
/// complete dump. It does not name the root process: <see cref="PstreeImage"/> does.
/// </summary>
public sealed record InventoryImage
{
    /// <summary>The name of the file within the images directory.</summary>
    public const string FileName = "inventory.img";

    private const int MaximumLength = 64 * 1024;

    private InventoryImage(InventoryEntry entry)
    {
        ImageVersion = entry.ImageVersion;
        DumpUptime = entry.HasDumpUptime ? Uptime(entry.DumpUptime) : null;
        DumpRunId = entry.HasDumpRunId ? entry.DumpRunId : null;
        TcpClose = entry.TcpClose;
        NetworkLock = entry.HasNetworkLockMethod ? Lock(entry.NetworkLockMethod) : NetworkLock.Unset;
        Plugins = entry.Plugins is null ? [] : [.. entry.Plugins.Names];
    }

    /// <summary>Gets the version of the format: 2 since CRIU 1.6.</summary>
    public uint ImageVersion { get; }

    /// <summary>
    /// Gets the uptime of the machine at the end of the dump. Only with <see cref="DumpRequest.TrackMemory"/>.
    /// </summary>
    public TimeSpan? DumpUptime { get; }

    /// <summary>Gets CRIU's own id of the dump, null before CRIU 4.1.</summary>
    public string? DumpRunId { get; }

    /// <summary>Gets whether the connections were to be closed; the restore must be told the same.</summary>
    public bool TcpClose { get; }

    /// <summary>Gets how the network was locked; the restore takes this, whatever it is told.</summary>
    public NetworkLock NetworkLock { get; }

    /// <summary>Gets the plugins that took part in the dump and must be there at the restore.</summary>
    public IReadOnlyList<string> Plugins { get; }

    /// <exception cref="ImageFormatException">The file is not one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static InventoryImage Read(string path) => Parse(ImageFile.ReadBounded(path, MaximumLength), path);

    /// <param name="content">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="ImageFormatException">The content is not one.</exception>
    public static InventoryImage Parse(ReadOnlySpan<byte> content, string name) => new(ImageFile.Single(
        name,
        ImageFile.Parse(name, content, [ImageFile.InventoryMagic], InventoryEntry.Parser)));

    private static TimeSpan Uptime(ulong microseconds) =>
        TimeSpan.FromMicroseconds(Math.Min(microseconds, (ulong)TimeSpan.MaxValue.TotalMicroseconds / 2));

    // The file has CRIU's internal numbers, which are not those of the RPC.
    private static NetworkLock Lock(uint method) => method switch
    {
        0 => NetworkLock.Iptables,
        1 => NetworkLock.Nftables,
        2 => NetworkLock.Skip,
        _ => NetworkLock.Unset,
    };
}
