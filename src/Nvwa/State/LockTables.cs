using Nvwa.Core.Planning;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>The packet lock of each workload is an nftables table of its own, so that each can be opened by itself.</summary>
internal static class LockTables
{
    /// <param name="index">The workload's place in the plan.</param>
    public static string NameOf(int index) => $"nvwa_{index}";

    public static IReadOnlyList<LockedEndpoint> Endpoints(IEnumerable<KeptEndpoint> kept) =>
        [.. kept.Select(endpoint => new LockedEndpoint(
            endpoint.Protocol == "udp" ? InetProtocol.Udp : InetProtocol.Tcp, endpoint.LocalEndPoint(), endpoint.RemoteEndPoint()))];
}
