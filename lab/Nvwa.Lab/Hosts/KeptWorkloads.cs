using System.Collections.Immutable;
using System.Globalization;

namespace Nvwa.Lab.Hosts;

/// <summary>
/// The workloads of the lab, and all about them that a change of kernels must not change. Two of these records are equal when
/// nothing did.
/// <code>
/// redis.service           the seed's unit: Type=notify, output to files        port 6379
/// redis-journal.service   the same as Type=simple, output on the journal       port 6380
/// ticker.py               a process by PID, outside of any service             port 5000
/// </code>
/// </summary>
/// <param name="Redis">Main process as systemd has it.</param>
/// <param name="RedisJournal">Likewise.</param>
/// <param name="Ticker">The process; 0 where it is gone.</param>
/// <param name="TickerFailures">How often it found itself damaged.</param>
/// <param name="Data">Of each Redis a digest over the keys that nobody writes, and which run of it this is.</param>
/// <param name="Units">What systemd says of the two units, one property a line.</param>
public sealed record KeptWorkloads(int Redis, int RedisJournal, int Ticker, int TickerFailures, string Data, string Units)
{
    public const string TickerLog = "/root/ticker.log";
    public const int RedisPort = 6379;
    public const int RedisJournalPort = 6380;
    public const int TickerPort = 5000;

    public const int Keys = 10_000;

    // Written so that it does not find the shell that asks.
    private const string FindTicker = "pgrep -f '[p]ython3 /root/ticker.py'";

    private const string StartTicker =
        "rm -f " + TickerLog + "; " +
        "systemd-run --quiet --scope --unit=ticker setsid -f python3 /root/ticker.py /root/ticker.log 5000 </dev/null >/dev/null 2>&1";

    private const string Fill =
        "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'data:' .. i, redis.sha1hex(ARGV[2] .. i) .. string.rep('x', 500)) end";

    private const string Digest =
        "local d = '' for i = 1, tonumber(ARGV[1]) do d = redis.sha1hex(d .. redis.call('GET', 'data:' .. i)) end return d";

    // Two cold boots may give a service the same PID; this a Redis makes up at its start.
    private const string RunId = "redis-cli -p $port INFO server | tr -d '\\r' | sed -n 's/^run_id://p'";

    private const string UnitProperties =
        "Id,Type,Restart,NotifyAccess,TimeoutStartUSec,FragmentPath,DropInPaths,ActiveState,SubState,FreezerState";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>For nvwa-restore.yaml: all of them.</summary>
    public string Configuration => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        pids:
        - {Ticker}
        services:
        - redis
        - redis-journal.service

        """);

    /// <summary>Has systemd start the units at each boot.</summary>
    public static async Task EnableAsync(LabGuest guest, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        _ = await guest.OutputOfAsync(
            "systemctl daemon-reload && systemctl enable -q redis.service redis-journal.service", Patience, cancellationToken);
    }

    /// <summary>The names of all of them, as nvwa has those of services.</summary>
    public static ImmutableArray<string> Names { get; } = ["redis.service", "redis-journal.service", TickerName];

    public const string TickerName = "ticker";

    /// <summary>Starts what does not run, and gives every Redis something to lose.</summary>
    public static async Task StartAsync(LabGuest guest, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        _ = await guest.OutputOfAsync("systemctl start redis.service redis-journal.service", Patience, cancellationToken);
        await guest.WaitUntilAsync("redis-cli ping && redis-cli -p 6380 ping", Patience, cancellationToken);
        if ((await guest.RunAsync(FindTicker, Patience, cancellationToken)).ExitCode != 0)
        {
            _ = await guest.OutputOfAsync(StartTicker, cancellationToken: cancellationToken);
        }

        await guest.WaitUntilAsync($"grep -q ^tick {TickerLog}", Patience, cancellationToken);
        foreach (int port in (int[])[RedisPort, RedisJournalPort])
        {
            _ = await guest.OutputOfAsync($"redis-cli -e -p {port} EVAL \"{Fill}\" 0 {Keys} {port}", Patience, cancellationToken);
        }
    }

    public static async Task<KeptWorkloads> ReadAsync(LabGuest guest, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        string output = await guest.OutputOfAsync(
            $$"""
            systemctl show --value -p MainPID redis.service
            systemctl show --value -p MainPID redis-journal.service
            pid=$(awk '/^start / { pid = $2 } END { print pid }' {{TickerLog}})
            grep -qs ticker.py /proc/$pid/cmdline && echo $pid || echo 0
            cat {{TickerLog}} | grep -c ^FAIL
            for port in {{RedisPort}} {{RedisJournalPort}}; do
              echo "$(redis-cli -e -p $port EVAL "{{Digest}}" 0 {{Keys}} 2>/dev/null || echo lost)/$({{RunId}})"
            done
            systemctl show -p {{UnitProperties}} redis.service redis-journal.service
            """,
            Patience, cancellationToken);
        string[] lines = output.Split('\n', 7);
        return new KeptWorkloads(
            Number(lines[0]), Number(lines[1]), Number(lines[2]), Number(lines[3]), $"{lines[4]} {lines[5]}", lines[6].Trim());
    }

    /// <summary>Whether this one is what it was: the same process with the same data.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="later">What was read later.</param>
    public bool IsKept(string name, KeptWorkloads later)
    {
        ArgumentNullException.ThrowIfNull(later);
        return Of(name) == later.Of(name);
    }

    private (int Pid, string Data) Of(string name) => (Names.IndexOf(name), Data.Split(' ')) switch
    {
        (0, var data) => (Redis, data[0]),
        (1, var data) => (RedisJournal, data[1]),
        (2, _) => (Ticker, $"{TickerFailures}"),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "is none of the workloads"),
    };

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
