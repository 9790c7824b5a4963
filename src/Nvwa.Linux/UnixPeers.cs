using System.Globalization;
using System.Text.RegularExpressions;

namespace Nvwa.Linux;

/// <summary>A unix socket with the other end of its connection, which /proc/net/unix does not tell.</summary>
/// <param name="Inode">The socket.</param>
/// <param name="IsStream">A stream; otherwise datagram or seqpacket.</param>
/// <param name="PeerInode">The other end; 0 if it is not connected.</param>
/// <param name="PeerPath">The path that the other end is bound to; null if none.</param>
public sealed record UnixPeer(long Inode, bool IsStream, long PeerInode, string? PeerPath)
{
    /// <summary>A stream or a sequence of packets: it has one other end, unlike a datagram socket.</summary>
    public bool IsConnection { get; init; } = IsStream;
}

/// <summary>All unix sockets of this network namespace: ss(8) of iproute2, which asks sock_diag(7).</summary>
public static partial class UnixPeers
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <exception cref="LinuxException">ss is missing, or failed.</exception>
    public static async Task<IReadOnlyList<UnixPeer>> ReadAsync(CancellationToken cancellationToken)
    {
        SpawnResult result = await Spawn.RunAsync(new SpawnRequest("/usr/bin/ss", ["-xanH"]), Deadline, cancellationToken);
        return result.ExitCode == 0
            ? Parse(result.Output)
            : throw new LinuxException("ss -xanH", null, Errno.EIO, result.Error.Trim());
    }

    internal static IReadOnlyList<UnixPeer> Parse(string output)
    {
        var rows = output.Split('\n').Select(line => Row().Match(line)).Where(row => row.Success)
            .Select(row => (
                Inode: long.Parse(row.Groups["inode"].Value, CultureInfo.InvariantCulture),
                Type: row.Groups["type"].Value,
                Path: row.Groups["path"].Value,
                Peer: long.Parse(row.Groups["peer"].Value, CultureInfo.InvariantCulture)))
            .ToList();
        var paths = rows.Where(row => row.Path != "*").GroupBy(row => row.Inode).ToDictionary(group => group.Key, group => group.First().Path);
        return [.. rows.Select(row => new UnixPeer(row.Inode, row.Type == "u_str", row.Peer, paths.GetValueOrDefault(row.Peer))
        {
            IsConnection = row.Type is "u_str" or "u_seq",
        })];
    }

    /// <summary>Netid State Recv-Q Send-Q, local path and inode, <c>*</c>, peer inode; a path may hold blanks.</summary>
    [GeneratedRegex(@"^(?<type>u_\w+)\s+\S+\s+\d+\s+\d+\s+(?<path>.+?)\s+(?<inode>\d+)\s+\*\s+(?<peer>\d+)\s*$")]
    private static partial Regex Row();
}
