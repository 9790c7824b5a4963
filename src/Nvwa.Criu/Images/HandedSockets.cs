using Google.Protobuf;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Images;

/// <summary>
/// Sockets that the restored processes get from whoever restores them (<see cref="InheritedResource.Socket"/>), as those of a
/// .socket unit. CRIU 4.2 takes descriptors for unix sockets only (sk-unix.c), and takes their names away from the file system
/// first: so each becomes a unix socket without a name in the images, of which CRIU looks at nothing but the inode.
/// </summary>
public static class HandedSockets
{
    // enum fd_types of fdinfo.proto.
    private const uint InternetType = 4;
    private const uint UnixType = 5;

    /// <summary>SOCK_STREAM of socket(2): CRIU gives datagram sockets a peer.</summary>
    private const uint Stream = 1;

    /// <summary>TCP_CLOSE of tcp_states.h, also for unix sockets: neither listening nor connected.</summary>
    private const uint Closed = 7;

    private static readonly uint[] DescriptorMagics = [ImageFile.CommonHead, ImageFile.DescriptorsMagic];

    /// <param name="directory">Of a dump.</param>
    /// <param name="inodes">Of the sockets, as they were at the dump.</param>
    /// <returns>Whole files by path, to be written instead of those that are there.</returns>
    /// <exception cref="ImageFormatException">A file is not one of its kind, or a socket is not in them.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static IReadOnlyDictionary<string, byte[]> Mend(string directory, IReadOnlySet<uint> inodes)
    {
        ArgumentNullException.ThrowIfNull(inodes);
        if (inodes.Count == 0)
        {
            return new Dictionary<string, byte[]>();
        }

        string path = Path.Combine(directory, FilesImage.FileName);
        List<FileEntry> files = ImageFile.Parse(path, ImageFile.ReadBounded(path, FilesImage.MaximumLength), FilesImage.Magics, FileEntry.Parser);
        FileEntry[] handed = [.. files.Where(file => InodeOf(file) is { } inode && inodes.Contains(inode))];
        if (handed.Length != inodes.Count)
        {
            throw new ImageFormatException(path, ImageFault.WrongCount, $"has {handed.Length} of {inodes.Count} sockets");
        }

        if (files.Find(file => file.UnixSocket is { } socket && inodes.Contains(socket.Peer)) is { } peer)
        {
            // CRIU would wait for ever until what it leads to is bound.
            throw new ImageFormatException(path, ImageFault.BadEntry, $"unix socket {peer.UnixSocket.Inode} is connected to one that is handed in ({peer.UnixSocket.Peer})");
        }

        ByteString[] names = [.. handed.Select(file => file.UnixSocket?.Name).OfType<ByteString>().Where(name => !name.IsEmpty)];
        Array.ForEach(handed, Hand);
        // An accepted connection has the name of who listened: it would be taken away for it.
        foreach (FileEntry accepted in files.Where(file => file.UnixSocket is { } socket && names.Contains(socket.Name)))
        {
            accepted.UnixSocket.Name = ByteString.Empty;
        }

        var mended = new Dictionary<string, byte[]> { [path] = ImageFile.Format(FilesImage.Magics, files) };
        HashSet<uint> ids = [.. handed.Select(file => file.Id)];
        foreach (string each in Directory.EnumerateFiles(directory, "fdinfo-*.img"))
        {
            mended[each] = WithTypes(each, ids);
        }

        return mended;
    }

    private static uint? InodeOf(FileEntry file) => file.InternetSocket?.Inode ?? file.UnixSocket?.Inode;

    private static void Hand(FileEntry file)
    {
        file.UnixSocket = new UnixSocketEntry
        {
            Id = file.Id,
            Inode = InodeOf(file)!.Value,
            Type = Stream,
            State = Closed,
            Flags = file.InternetSocket?.Flags ?? file.UnixSocket.Flags,
            Uflags = 0,
            Backlog = 0,
            Peer = 0,
            Owner = file.InternetSocket?.Owner ?? file.UnixSocket.Owner,
            Options = file.InternetSocket?.Options ?? file.UnixSocket.Options,
            Name = ByteString.Empty,
        };
        file.InternetSocket = null;
        file.Type = UnixType;
    }

    private static byte[] WithTypes(string path, HashSet<uint> ids)
    {
        List<DescriptorEntry> entries = ImageFile.Parse(path, ImageFile.ReadBounded(path, FilesImage.MaximumLength), DescriptorMagics, DescriptorEntry.Parser);
        foreach (DescriptorEntry entry in entries.Where(entry => entry.Type == InternetType && ids.Contains(entry.Id)))
        {
            entry.Type = UnixType;
        }

        return ImageFile.Format(DescriptorMagics, entries);
    }
}
