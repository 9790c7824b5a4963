using System.Security.Cryptography;
using Nvwa.Core.Journal;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// The network configuration beside the journal, from Prepare until the update is closed. It has keys in it
/// (net.ipv4.tcp_fastopen_key): root's alone.
/// </summary>
internal sealed class NetworkFile(string directory)
{
    private readonly string _path = Path.Combine(directory, "network.json");

    /// <returns>The digest that reads it again.</returns>
    public string Write(byte[] content)
    {
        AtomicFile.Write(_path, content);
        return Digest(content);
    }

    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public byte[] Read(NetworkState saved)
    {
        // Length first: it is read at once.
        if (new FileInfo(_path) is not { Exists: true } file || file.Length != saved.Bytes || file.Length > NetworkConfiguration.LengthLimit)
        {
            throw Damaged();
        }

        byte[] content = File.ReadAllBytes(_path);
        return Digest(content) == saved.Digest ? content : throw Damaged();
    }

    /// <returns>Whether there was one.</returns>
    public bool Remove()
    {
        bool isThere = File.Exists(_path);
        File.Delete(_path);
        return isThere;
    }

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private InvalidDataException Damaged() => new($"{_path} is not what was saved: it is gone, or the disk is damaged");
}
