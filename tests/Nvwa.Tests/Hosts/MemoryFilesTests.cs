using Nvwa.Core.Planning;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Tests.Checks;

namespace Nvwa.Tests.Hosts;

/// <summary>What a real process has in memory goes into an archive and comes back.</summary>
public sealed class MemoryFilesTests : IDisposable
{
    private readonly string _memory = $"/dev/shm/nvwa-test-{Guid.NewGuid():N}";
    private readonly TemporaryDirectory _images = new();

    public void Dispose()
    {
        _images.Dispose();
        if (Directory.Exists(_memory))
        {
            Directory.Delete(_memory, recursive: true);
        }
    }

    [Fact]
    public async Task What_is_open_and_what_the_unit_names_comes_back_with_owner_and_mode()
    {
        using Holder holder = await Holder.StartAsync($"""
            os.makedirs('{_memory}/named/below'); os.makedirs('{_memory}/other/deep')
            open('{_memory}/named/below/a', 'w').write('a'); os.chmod('{_memory}/named/below/a', 0o640); os.chown('{_memory}/named/below/a', 1234, 4321)
            os.symlink('/etc/hostname', '{_memory}/named/link'); os.mkfifo('{_memory}/named/fifo')
            open('{_memory}/other/not-open', 'w').write('x')
            f = open('{_memory}/other/deep/b', 'w'); f.write('b'); f.flush()
            s = socket.socket(socket.AF_UNIX); s.bind('{_memory}/named/socket')
            """);
        Workload workload = holder.Workload(Update.ProcessTable.Read()).Workload;

        await MemoryFiles.SaveAsync(workload, [holder.Pid], [$"{_memory}/named"], _images.Path);
        Directory.Delete(_memory, recursive: true);
        await MemoryFiles.RestoreAsync(_images.Path, null);

        Assert.Equal("a", await File.ReadAllTextAsync($"{_memory}/named/below/a"));
        Assert.Equal((1234u, 0x1A0u), (FileIdentity.Of($"{_memory}/named/below/a")!.Uid, FileIdentity.Of($"{_memory}/named/below/a")!.Permissions));
        Assert.Equal("b", await File.ReadAllTextAsync($"{_memory}/other/deep/b"));
        Assert.Equal("/etc/hostname", new FileInfo($"{_memory}/named/link").LinkTarget);
        Assert.Equal(FileType.Pipe, FileIdentity.OfLink($"{_memory}/named/fifo")!.Type);
        Assert.False(File.Exists($"{_memory}/other/not-open"));
        Assert.Null(FileIdentity.OfLink($"{_memory}/named/socket"));
    }

    [Fact]
    public async Task A_link_that_somebody_put_in_the_way_is_not_followed()
    {
        using Holder holder = await Holder.StartAsync($"os.makedirs('{_memory}/named/below'); open('{_memory}/named/below/a', 'w').write('a')");
        await MemoryFiles.SaveAsync(holder.Workload(Update.ProcessTable.Read()).Workload, [holder.Pid], [$"{_memory}/named"], _images.Path);
        Directory.Delete($"{_memory}/named/below", recursive: true);
        Directory.CreateDirectory($"{_memory}/elsewhere");
        File.CreateSymbolicLink($"{_memory}/named/below", $"{_memory}/elsewhere");

        await MemoryFiles.RestoreAsync(_images.Path, null);

        Assert.Empty(Directory.GetFileSystemEntries($"{_memory}/elsewhere"));
        Assert.Equal("a", await File.ReadAllTextAsync($"{_memory}/named/below/a"));
    }

    [Fact]
    public async Task A_workload_with_nothing_in_memory_has_no_archive()
    {
        using Holder holder = await Holder.StartAsync("os.chdir('/'); f = open('/etc/hostname')");

        await MemoryFiles.SaveAsync(holder.Workload(Update.ProcessTable.Read()).Workload, [holder.Pid], [], _images.Path);

        Assert.Empty(Directory.GetFiles(_images.Path));
    }

    [Fact]
    public async Task An_archive_that_cannot_be_unpacked_says_why()
    {
        await File.WriteAllTextAsync(_images["memory.tar"], "this is no archive, and long enough to be seen as none");

        StepFailedException failed = await Assert.ThrowsAsync<StepFailedException>(() => MemoryFiles.RestoreAsync(_images.Path, null));

        Assert.Contains("tar", failed.Message, StringComparison.Ordinal);
    }
}
