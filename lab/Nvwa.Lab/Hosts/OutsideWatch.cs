using System.Net;
using Nvwa.Lab.Clients;

namespace Nvwa.Lab.Hosts;

/// <summary>What a client of a workload has seen from outside.</summary>
public sealed record WatchedWorkload(string Name, SteadyReport Report);

/// <summary>A client of each workload, on one connection that is never opened again.</summary>
public sealed class OutsideWatch : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LastAnswerTimeout = TimeSpan.FromMinutes(3);

    // Often enough to see a gap, and not so often that emulated processors have little else to do.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly List<(string Name, SteadyClient Client)> _clients = [];

    private OutsideWatch()
    {
    }

    /// <summary>Starts these clients, and is the one to dispose of them.</summary>
    public static OutsideWatch Start(params IReadOnlyList<(string Name, SteadyClient Client)> clients)
    {
        ArgumentNullException.ThrowIfNull(clients);
        var watch = new OutsideWatch();
        foreach ((string name, SteadyClient client) in clients)
        {
            watch.Add(name, client);
        }

        return watch;
    }

    /// <summary>Starts a client of each of the lab's own workloads; one of them comes over IPv6.</summary>
    public static async Task<OutsideWatch> StartAsync(LabNetwork network, CancellationToken cancellationToken = default)
    {
        var watch = new OutsideWatch();
        // A Redis that was started cold may remember an earlier watch from its disk.
        string prefix = $"outside-{Guid.NewGuid():N}";
        try
        {
            watch.Add("redis.service", await RedisClient.ConnectAsync(
                network, new IPEndPoint(LabNetwork.GuestAddress, KeptWorkloads.RedisPort), prefix, ConnectTimeout, cancellationToken));
            watch.Add("redis-journal.service", await RedisClient.ConnectAsync(
                network, new IPEndPoint(LabNetwork.GuestAddressV6, KeptWorkloads.RedisJournalPort), prefix, ConnectTimeout, cancellationToken));
            watch.Add(KeptWorkloads.TickerName, await TickerClient.ConnectAsync(
                network, new IPEndPoint(LabNetwork.GuestAddress, KeptWorkloads.TickerPort), ConnectTimeout, cancellationToken));
            return watch;
        }
        catch
        {
            await watch.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until each workload, or each of those named, has given this many more right answers.</summary>
    /// <exception cref="LabException">One did not in time, or broke its promise.</exception>
    public async Task AnsweredAsync(
        int count, TimeSpan timeout, IReadOnlyCollection<string>? names = null, CancellationToken cancellationToken = default)
    {
        foreach ((string name, SteadyClient client) in _clients.Where(watched => names?.Contains(watched.Name) ?? true))
        {
            try
            {
                await client.WaitForRepliesAsync(count, timeout, cancellationToken);
            }
            catch (LabException e)
            {
                throw new LabException($"{name}, from outside: {e.Message}", e);
            }
        }
    }

    /// <summary>The outer end of the connection to a workload.</summary>
    public IPEndPoint PeerOf(string name) => _clients.Single(watched => watched.Name == name).Client.EndPoint;

    /// <summary>Ends the clients and tells what each has seen.</summary>
    public async Task<IReadOnlyList<WatchedWorkload>> StopAsync(CancellationToken cancellationToken = default) =>
        await Task.WhenAll(_clients.Select(async watched =>
            new WatchedWorkload(watched.Name, await watched.Client.StopAsync(LastAnswerTimeout, cancellationToken))));

    public async ValueTask DisposeAsync()
    {
        foreach ((_, SteadyClient client) in _clients)
        {
            await client.DisposeAsync();
        }
    }

    private void Add(string name, SteadyClient client)
    {
        _clients.Add((name, client));
        client.Start(Pause);
    }
}
