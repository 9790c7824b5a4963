namespace Nvwa.Linux.Tests;

/// <summary>A real journald in a mount namespace of its own, where /run and /var/log are directories of ours.</summary>
public sealed class SystemdJournaldInstance : IAsyncLifetime, IDisposable
{
    private const string Script = """
        mount --make-rprivate /
        mount --bind "$1/run" /run
        mount --bind "$1/log" /var/log
        env NOTIFY_SOCKET="$1/notify" /usr/lib/systemd/systemd-journald &
        echo $! > "$1/pid"
        read -r line || true
        kill $!
        wait
        """;

    private static readonly string[] LogDirectories = ["run/log", "log"];

    private readonly SystemdHolder _holder = new();

    public string StreamPath => $"{_holder.Root}/run/systemd/journal/stdout";

    public string VarlinkPath => $"{_holder.Root}/run/systemd/journal/io.systemd.journal";

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory($"{_holder.Root}/run");
        Directory.CreateDirectory($"{_holder.Root}/log/journal");
        await _holder.StartAsync(Script);
    }

    public Task DisposeAsync() => _holder.StopAsync();

    public void Dispose() => _holder.Dispose();

    /// <summary>All journal files, as they are named from here.</summary>
    public IEnumerable<string> Files() =>
        LogDirectories.Select(directory => $"{_holder.Root}/{directory}").Where(Directory.Exists)
            .SelectMany(path => Directory.EnumerateFiles(path, "*.journal", SearchOption.AllDirectories));

    /// <summary>What journald has open below /var/log, as it calls it.</summary>
    public IReadOnlyList<string> OpenPersistentFiles()
    {
        string pid = File.ReadAllText($"{_holder.Root}/pid").Trim();
        return
        [
            .. Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
                .Select(link => new FileInfo(link).LinkTarget ?? "")
                .Where(target => target.StartsWith("/var/log/journal/", StringComparison.Ordinal)
                    && target.EndsWith(".journal", StringComparison.Ordinal)),
        ];
    }
}
