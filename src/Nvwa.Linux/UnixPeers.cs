using System.Globalization;
using System.Text.RegularExpressions;

namespace Nvwa.Linux;

/// <summary>A unix socket with the other end of its connection, which /proc/net/unix does not tell.</summary>
/// <param name="Inode">The socket.</param>
/// <param name="IsStream">A stream; otherwise datagram or seqpacket.</param>
/// <param name="PeerInode">The other end, which of a connection that was not accepted yet is the listening socket; 0 if there is none.</param>
/// <param name="PeerPath">The path that the other end is bound to; null if none.</param>
public sealed record UnixPeer(long Inode, bool IsStream, long PeerInode, string? PeerPath)
{
    /// <summary>A stream or a sequence of packets: it has one other end, unlike a datagram socket.</summary>
    public bool IsConnection { get; init; } = IsStream;
}

/// <summary>All unix sockets of this network namespace: ss(8) of iproute2, which asks sock_diag(7).</summary>
public static partial class UnixPeers
{
    private const string Program = "/usr/bin/ss";
    private const string Options = "-xanHe";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <exception cref="LinuxException">ss is missing, or failed.</exception>
    public static Task<IReadOnlyList<UnixPeer>> ReadAsync(CancellationToken cancellationToken) => ReadAsync(new SpawnRequest(Program, [Options]), cancellationToken);

    /// <summary>Those of the network namespace of a process.</summary>
    /// <inheritdoc cref="ReadAsync(CancellationToken)"/>
    public static Task<IReadOnlyList<UnixPeer>> ReadAsync(int pid, CancellationToken cancellationToken) =>
        ReadAsync(new SpawnRequest("/usr/bin/nsenter", [$"--target={pid}", "--net", "--", Program, Options]), cancellationToken);

    private static async Task<IReadOnlyList<UnixPeer>> ReadAsync(SpawnRequest ss, CancellationToken cancellationToken)
    {
        SpawnResult result = await Spawn.RunAsync(ss, Deadline, cancellationToken);
        return result.ExitCode == 0
            ? Parse(result.Output)
            : throw new LinuxException($"ss {Options}", null, Errno.EIO, result.Error.Trim());
    }

    internal static IReadOnlyList<UnixPeer> Parse(string output)
    {
        var rows = output.Split('\n').Select(line => Row().Match(line)).Where(row => row.Success)
            .Select(row => (
                Inode: long.Parse(row.Groups["inode"].Value, CultureInfo.InvariantCulture),
                Type: row.Groups["type"].Value,
                Path: row.Groups["path"].Value,
                Peer: long.Parse(row.Groups["peer"].Value, CultureInfo.InvariantCulture),
                Waiting: row.Groups["waiting"].Value))
            .ToList();
        // Until it is accepted, the kernel names the other end of a connection on neither side.
        var waiting = rows.SelectMany(row => row.Waiting.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(client => (Client: long.Parse(client, CultureInfo.InvariantCulture), Server: row))).ToList();
        var servers = waiting.GroupBy(pair => pair.Client).ToDictionary(group => group.Key, group => group.First().Server.Inode);
        var paths = rows.Where(row => row.Path != "*").GroupBy(row => row.Inode).ToDictionary(group => group.Key, group => group.First().Path);
        return
        [
            .. rows.Select(row => Of(row.Inode, row.Type, row.Peer == 0 ? servers.GetValueOrDefault(row.Inode) : row.Peer)),
            .. waiting.Select(pair => Of(pair.Server.Inode, pair.Server.Type, pair.Client)),
        ];

        UnixPeer Of(long inode, string type, long peer) => new(inode, type == "u_str", peer, paths.GetValueOrDefault(peer))
        {
            IsConnection = type is "u_str" or "u_seq",
        };
    }

    /// <summary>
    /// Netid State Recv-Q Send-Q, local path and inode, <c>*</c>, peer inode, the directions that are open; of a listening socket
    /// also who waits for it. A path may hold blanks.
    /// </summary>
    [GeneratedRegex(@"^(?<type>u_\w+)\s+\S+\s+\d+\s+\d+\s+(?<path>.+?)\s+(?<inode>\d+)\s+\*\s+(?<peer>\d+)(\s+[<-]-[->].*?(peers:(?<waiting>[\d ]+))?)?\s*$")]
    private static partial Regex Row();
}
