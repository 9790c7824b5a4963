using System.Net;
using Nvwa.Lab.Clients;
using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// Services as Debian ships them, with their sandboxes, under load from outside, to the other kernel and back: processes,
/// data, connections, an open transaction, and the sandbox itself are what they were.
/// </summary>
[Collection(OneGuestAtATime.Name)]
[Trait("table", "compatibility")]
public sealed class StockServices(PreparedHost prepared)
{
    private const int MemcachedPort = 11211;
    private const int HaproxyPort = 11212;
    private const int NginxPort = 8080;
    private const int PostgresPort = 5432;

    private const string Units = "redis-server.service memcached.service haproxy.service nginx.service postgresql@17-main.service";

    private const string Configuration =
        """
        services:
        - redis-server
        - memcached
        - haproxy
        - nginx
        - postgresql@17-main

        """;

    // Only what a lab needs: reachable from outside, and without what CRIU cannot keep.
    private const string Prepare =
        """
        systemctl disable -q --now redis.service redis-journal.service && pkill -f '[t]icker.py'
        printf 'bind * -::*\nprotected-mode no\n' >>/etc/redis/redis.conf
        sed -i '/^-l /d' /etc/memcached.conf
        mkdir -p /srv/www && head -c 40000 /dev/urandom >/srv/www/document && head -c 64M /dev/urandom >/srv/www/large
        echo "listen_addresses = '*'" >/etc/postgresql/17/main/conf.d/lab.conf
        echo 'host all all 10.66.0.0/24 trust' >>/etc/postgresql/17/main/pg_hba.conf
        cp /root/haproxy.cfg /etc/haproxy/ && cp /root/nginx.conf /etc/nginx/conf.d/ && rm /etc/nginx/sites-enabled/default
        """;

    private const string Start =
        """
        for unit in redis-server memcached haproxy nginx postgresql; do
          ln -s /usr/lib/systemd/system/$unit.service /etc/systemd/system/multi-user.target.wants/
        done
        systemctl daemon-reload && systemctl start redis-server memcached haproxy nginx postgresql
        cd / && timeout 100 sh -c "until setpriv --reuid=postgres --regid=postgres --init-groups psql -qc 'CREATE TABLE counter (n int)'; do sleep 1; done"
        """;

    // Of each unit what systemd says, and its processes with their privileges, filters and the mounts that only they have. What a server of
    // PostgreSQL is about to do, which it tells after its client's address, changes with each question.
    private const string Everything =
        $$"""
        for unit in {{Units}}; do
          echo "== $unit"
          systemctl show -p ActiveState,SubState,MainPID,Type,DropInPaths,WatchdogUSec,FreezerState,NRestarts $unit
          for pid in $(find /sys/fs/cgroup$(systemctl show --value -p ControlGroup $unit) -name cgroup.procs -exec cat {} + | sort -n); do
            echo "pid $pid $(tr '\0' ' ' </proc/$pid/cmdline | sed -E 's/^(postgres: .*\)) .*/\1/')"
            grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Umask):' /proc/$pid/status
            cat /proc/$pid/oom_score_adj /proc/$pid/attr/current; echo
            awk 'NR == FNR { host[$5]; next } !($5 in host) && $5 !~ "^/(usr/bin/(sleep|setsid)$|run/(credentials|user)/)" { print $5, $6 }' /proc/1/mountinfo /proc/$pid/mountinfo | sort
            for kind in mnt net uts pid user cgroup; do test /proc/$pid/ns/$kind -ef /proc/1/ns/$kind || echo "own $kind"; done
          done
        done
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public Task Services_as_Debian_ships_them_are_kept_with_their_sandboxes() => prepared.RunAsync("stock-services", async host =>
    {
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync(Prepare, Patience);
        _ = await guest.OutputOfAsync(Start, Patience);
        await host.ConfigureAsync(Configuration);
        await UsersOfItsOwnAreRefusedAsync(host);
        (string Name, SteadyClient Client)[] clients = await ConnectAsync(guest.Network);
        await AnsweredAsync(clients);
        string before = await SettledAsync(guest, await guest.OutputOfAsync(Everything, Patience));

        await UpdateAsync(host, prepared.NewKernel, clients, before);
        _ = await host.InstallNewerCriuAsync();
        await UpdateAsync(host, prepared.OldKernel, clients, before);

        foreach ((string name, SteadyClient client) in clients)
        {
            await using (client)
            {
                SteadyReport report = await client.StopAsync(Patience);
                Assert.True(report.Violation is null, $"{name}: {report.Violation}");
                await (client switch
                {
                    PostgresClient transaction => transaction.CommitAsync(),
                    DownloadClient download => CameWholeAsync(guest, download),
                    _ => Task.CompletedTask,
                });
            }
        }

        CaptureSummary capture = await guest.Capture.StopAsync();
        Assert.Empty(capture.Refusals);
        await AreOrdinaryAgainAsync(guest);
    });

    private static async Task CameWholeAsync(LabGuest guest, DownloadClient download)
    {
        string digest = await guest.OutputOfAsync("sha256sum </srv/www/large", Patience);
        Assert.Equal(digest.Split(' ')[0], await download.FinishAsync());
    }

    private async Task UsersOfItsOwnAreRefusedAsync(NvwaHost host)
    {
        HostState.Says(
            await host.NvwaAsync($"check {prepared.NewKernel}"), "nvwa check", exitCode: 3, "redis-server.service", "has a user namespace of its own", "PrivateUsers=no");
        await CompatibilityTable.AddRefusedAsync(host, prepared.NewKernel);
        _ = await host.Guest.OutputOfAsync(
            """
            mkdir -p /etc/systemd/system/redis-server.service.d && printf '[Service]\nPrivateUsers=no\n' >/etc/systemd/system/redis-server.service.d/users.conf
            systemctl daemon-reload && systemctl restart redis-server && until redis-cli ping; do sleep 1; done
            """,
            Patience);
        GuestCommandResult check = await host.NvwaAsync($"check {prepared.NewKernel}");
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
    }

    private static async Task<(string Name, SteadyClient Client)[]> ConnectAsync(LabNetwork network)
    {
        static IPEndPoint At(int port) => new(LabNetwork.GuestAddress, port);
        (string, SteadyClient)[] clients =
        [
            ("redis", await RedisClient.ConnectAsync(network, At(RedisClient.DefaultPort), "stock", Patience)),
            ("memcached", await MemcachedClient.ConnectAsync(network, At(MemcachedPort), "direct", Patience)),
            ("haproxy", await MemcachedClient.ConnectAsync(network, At(HaproxyPort), "through", Patience)),
            ("nginx", await NginxClient.ConnectAsync(network, At(NginxPort), "/document", Patience)),
            ("download", await DownloadClient.ConnectAsync(network, At(NginxPort), "/large", Patience)),
            ("postgresql", await PostgresClient.ConnectAsync(network, At(PostgresPort), Patience)),
        ];
        foreach ((_, SteadyClient client) in clients)
        {
            client.Start(TimeSpan.FromMilliseconds(100));
        }

        return clients;
    }

    private static async Task AnsweredAsync((string Name, SteadyClient Client)[] clients)
    {
        foreach ((string name, SteadyClient client) in clients)
        {
            try
            {
                await client.WaitForRepliesAsync(10, Patience);
            }
            catch (LabException e)
            {
                throw new LabException($"{name}, from outside: {e.Message}", e);
            }
        }
    }

    private static async Task UpdateAsync(NvwaHost host, string release, (string Name, SteadyClient Client)[] clients, string before)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        Assert.Equal(release, end.Boot.Release);
        await AnsweredAsync(clients);
        Assert.Equal(before, await SettledAsync(host.Guest, before));
        await HostState.NothingIsLeftAsync(host.Guest);
        await CompatibilityTable.AddAsync(host);
    }

    /// <summary>A worker that PostgreSQL starts each minute to look for work (autovacuum) may be there when we look, and is gone when we look again.</summary>
    /// <returns>What is as expected, or as at the look before.</returns>
    private static async Task<string> SettledAsync(LabGuest guest, string expected)
    {
        string last = "";
        string found = await guest.OutputOfAsync(Everything, Patience);
        while (found != expected && found != last)
        {
            last = found;
            found = await guest.OutputOfAsync(Everything, Patience);
        }

        return found;
    }

    /// <summary>Whatever an operator does with a unit works on one that was restored, and finds its data.</summary>
    private static async Task AreOrdinaryAgainAsync(LabGuest guest)
    {
        _ = await guest.OutputOfAsync($"systemctl reload nginx.service && systemctl restart {Units}", Patience);
        await guest.WaitUntilAsync($"! systemctl is-active {Units} | grep -v '^active'", Patience);
        string rows = await guest.OutputOfAsync("cd / && setpriv --reuid=postgres --regid=postgres --init-groups psql -qtc 'SELECT count(*) > 10 FROM counter'", Patience);
        Assert.Equal("t", rows.Trim());
        _ = await guest.OutputOfAsync("kill -KILL $(systemctl show --value -p MainPID memcached)");
        await guest.WaitUntilAsync("systemctl is-active memcached && test $(systemctl show --value -p NRestarts memcached) = 1", Patience);
    }
}
