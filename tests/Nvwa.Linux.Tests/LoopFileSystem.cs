namespace Nvwa.Linux.Tests;

/// <summary>A small ext4 of its own, in a file behind a loop device.</summary>
internal sealed class LoopFileSystem : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly TemporaryDirectory _directory;

    private LoopFileSystem(TemporaryDirectory directory) => _directory = directory;

    public string Point => _directory["point"];

    public static async Task<LoopFileSystem> CreateAsync(Guid uuid)
    {
        TemporaryDirectory directory = new();
        LoopFileSystem fileSystem = new(directory);
        Directory.CreateDirectory(fileSystem.Point);
        await RunAsync("truncate", "-s", "16M", directory["image"]);
        await RunAsync("mkfs.ext4", "-q", "-U", uuid.ToString(), directory["image"]);
        await RunAsync("mount", "-o", "loop", directory["image"], fileSystem.Point);
        return fileSystem;
    }

    /// <summary>Lazily: somebody else's sync of all file systems may have it open at this moment.</summary>
    public void Dispose()
    {
        RunAsync("umount", "--lazy", Point).GetAwaiter().GetResult();
        _directory.Dispose();
    }

    private static async Task RunAsync(string file, params string[] arguments)
    {
        SpawnResult result = await Spawn.RunAsync(new SpawnRequest(file, arguments), Deadline, CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
