using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// The list of what a dump wrote, made when it was complete and checked before anything of it is trusted:
/// <code>
///   file   = "nvwa-digests 1" LF line*
///   line   = name " " length " " crc{","} LF        length decimal, one crc for each block of 1 MiB, 8 hex digits each
/// </code>
/// A crc is CRC-32C. It guards against disks, not against people: the directory is root's alone, and what others could
/// have written is refused by its owner and mode. Blocks let many processors read one large file, and say where it is
/// damaged. The digest of the list itself stands in the journal, so that images of another update are not taken for these.
/// </summary>
internal static class ImageDigests
{
    public const string FileName = "digests";

    private const string Header = "nvwa-digests 1\n";
    private const int BlockSize = 1 << 20;
    private const int MaxListLength = 256 << 20;

    private sealed record Image(string Name, long Length, uint[] Blocks)
    {
        public static Image Of(string name, long length) => new(name, length, new uint[(length + BlockSize - 1) / BlockSize]);
    }

    /// <summary>Reads all that is in the directory but logs, and writes the list.</summary>
    /// <returns>The digest of the list.</returns>
    public static string Seal(string directory)
    {
        Image[] images = [.. Names(directory).Select(name => Image.Of(name, new FileInfo(Path.Combine(directory, name)).Length))];
        Compute(directory, images, CancellationToken.None);
        var list = new StringBuilder(Header);
        foreach (Image image in images)
        {
            list.Append(CultureInfo.InvariantCulture, $"{image.Name} {image.Length} ")
                .AppendJoin(',', image.Blocks.Select(Hex)).Append('\n');
        }

        byte[] bytes = Encoding.ASCII.GetBytes(list.ToString());
        // Like the images themselves it is synced before the commit, and counts for nothing without it.
        using FileStream file = File.Create(Path.Combine(directory, FileName));
        file.Write(bytes);
        return Hex(Checksum(bytes));
    }

    /// <summary>Everything in the directory is what was sealed, and there is nothing else but logs.</summary>
    /// <param name="directory">Of one workload.</param>
    /// <param name="digest">What <see cref="Seal"/> returned.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="InvalidDataException">What is not as it was, by name and place.</exception>
    /// <exception cref="LinuxException">A file could have been written by others, or cannot be read.</exception>
    public static void Verify(string directory, string digest, CancellationToken cancellation)
    {
        Image[] sealedImages = ReadList(directory, digest);
        string[] unknown = [.. Names(directory).Except(sealedImages.Select(image => image.Name))];
        if (unknown.Length > 0)
        {
            throw new InvalidDataException($"{directory}/{unknown[0]} was not there when the images were saved");
        }

        Image[] found = [.. sealedImages.Select(image => Image.Of(image.Name, image.Length))];
        Compute(directory, found, cancellation);
        foreach ((Image was, Image now) in sealedImages.Zip(found))
        {
            int block = was.Blocks.AsSpan().CommonPrefixLength(now.Blocks);
            if (block < was.Blocks.Length)
            {
                throw new InvalidDataException($"{directory}/{was.Name} is damaged in its MiB {block}");
            }
        }
    }

    private static Image[] ReadList(string directory, string digest)
    {
        string path = Path.Combine(directory, FileName);
        using SafeFileHandle handle = PrivateFile.OpenRead(path);
        long length = RandomAccess.GetLength(handle);
        if (length > MaxListLength)
        {
            throw new InvalidDataException($"{path} is {length} bytes long, and no list of digests is");
        }

        byte[] bytes = new byte[length];
        bytes = bytes[..ReadFully(handle, bytes, 0)];
        if (Hex(Checksum(bytes)) != digest)
        {
            throw new InvalidDataException($"{path} is damaged, or not the one that was saved");
        }

        // The digest holds, so these are our own bytes.
        return [.. Encoding.ASCII.GetString(bytes)[Header.Length..].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine)];
    }

    private static Image ParseLine(string line)
    {
        string[] parts = line.Split(' ');
        uint[] blocks = [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(crc => uint.Parse(crc, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        return new Image(parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), blocks);
    }

    private static IEnumerable<string> Names(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path))
            .Where(name => name != FileName && !name.EndsWith(".log", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static void Compute(string directory, Image[] images, CancellationToken cancellation)
    {
        var handles = new SafeFileHandle?[images.Length];
        try
        {
            for (int i = 0; i < images.Length; i++)
            {
                string path = Path.Combine(directory, images[i].Name);
                handles[i] = PrivateFile.OpenRead(path);
                long length = RandomAccess.GetLength(handles[i]!);
                if (length != images[i].Length)
                {
                    throw new InvalidDataException($"{path} has {length} bytes, and had {images[i].Length} when it was saved");
                }
            }

            (int Image, int Block)[] work = [.. images.Index().SelectMany(image => Enumerable.Range(0, image.Item.Blocks.Length).Select(block => (image.Index, block)))];
            Parallel.ForEach(
                work,
                new ParallelOptions { CancellationToken = cancellation },
                () => new byte[BlockSize],
                (item, _, buffer) =>
                {
                    int read = ReadFully(handles[item.Image]!, buffer, (long)item.Block * BlockSize);
                    images[item.Image].Blocks[item.Block] = Checksum(buffer.AsSpan(0, read));
                    return buffer;
                },
                _ => { });
        }
        catch (AggregateException failed) when (failed.InnerException is IOException)
        {
            throw new InvalidDataException($"{directory} cannot be read: {failed.InnerException.Message}", failed);
        }
        finally
        {
            Array.ForEach(handles, handle => handle?.Dispose());
        }
    }

    private static int ReadFully(SafeFileHandle handle, byte[] buffer, long offset)
    {
        int total = 0;
        while (total < buffer.Length && RandomAccess.Read(handle, buffer.AsSpan(total), offset + total) is > 0 and int read)
        {
            total += read;
        }

        return total;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte value in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    private static string Hex(uint value) => value.ToString("x8", CultureInfo.InvariantCulture);
}
