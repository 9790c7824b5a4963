namespace Nvwa.Linux.Tests;

/// <summary>
/// A real service manager, as PID 1 of namespaces of its own (PID, mount, UTS, IPC, control group), with its own /run and
/// none but our units. PIDs in its replies count in its own PID namespace.
/// </summary>
public sealed class SystemdInstance : IAsyncLifetime, IDisposable
{
    /// <summary>$1: our directory; $2: what becomes PID 1.</summary>
    private const string Script = """
        mount --make-rprivate /
        mkfifo "$1/pipe"
        mkdir "$1/cgroup"
        mount -t cgroup2 none "$1/cgroup"
        group="$1/cgroup/nvwa-test-$$"
        mkdir "$group"
        ( echo 0 > "$group/cgroup.procs"; exec unshare -mpCui --fork --kill-child sh -e -c "$2" sh "$1" ) &
        echo $! > "$1/unshare"
        read -r line || true
        kill -KILL $!
        wait || true
        until find "$group" -depth -type d -exec rmdir {} + 2> /dev/null; do :; done
        """;

    /// <summary>The environment variable for the units' directory is systemd's own, for tests.</summary>
    private const string Manager = """
        mount --bind "$1/run" /run
        umount -R /sys/fs/cgroup
        mount -t cgroup2 none /sys/fs/cgroup
        mount -t proc proc /proc
        mount -t tmpfs none /usr/lib/systemd/system-generators
        exec env -i PATH="$PATH" container=test NOTIFY_SOCKET="$1/notify" SYSTEMD_UNIT_PATH="$1/units" \
            /usr/lib/systemd/systemd --system --unit=default.target --log-target=console --default-standard-output=null
        """;

    private readonly SystemdHolder _holder = new();

    public string Root => _holder.Root;

    /// <summary>
    /// The manager only talks to processes that it can see, so a process inside its PID namespace passes on what is said
    /// on its private socket: systemd's own bridge, which passes on descriptors too.
    /// </summary>
    public string Address { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory($"{Root}/run");
        Directory.CreateDirectory($"{Root}/units");
        SystemdUnits.Write($"{Root}/units", Root);
        await _holder.StartAsync(Script, Manager);
        string unshare = (await File.ReadAllTextAsync($"{Root}/unshare")).Trim();
        string children = await File.ReadAllTextAsync($"/proc/{unshare}/task/{unshare}/children");
        Address = BridgeAddress(children.Split(' ')[0]);
    }

    public Task DisposeAsync() => _holder.StopAsync();

    public void Dispose() => _holder.Dispose();

    public SystemdBus Connect() => SystemdBus.Connect(Address);

    private string BridgeAddress(string manager)
    {
        string[] command =
        [
            "nsenter", "-t", manager, "-p", "systemd-stdio-bridge", "-p", $"unix:path={Root}/run/systemd/private",
        ];
        IEnumerable<string> arguments = command.Select((word, index) =>
            $"argv{index}={word.Replace("=", "%3d", StringComparison.Ordinal)}");
        return $"unixexec:path={command[0]},{string.Join(',', arguments)}";
    }
}
