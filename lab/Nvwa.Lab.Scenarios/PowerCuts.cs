using Nvwa.Lab.Hosts;
using Nvwa.Linux;

namespace Nvwa.Lab.Scenarios;

/// <summary>What the lab means by "the power is cut", shown on a disk without a guest: QEMU's own tool writes and is killed.</summary>
public sealed class PowerCuts : IAsyncLifetime
{
    private const int KilledExitCode = 128 + 9;

    private const string Different = "Pattern verification failed";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _directory = Directory.CreateTempSubdirectory("nvwa-disk-").FullName;

    private LabImage? _image;
    private GuestDisk? _disk;

    public async Task InitializeAsync()
    {
        _image = await LabPackage.LocateImageAsync();
        _disk = await GuestDisk.CreateAsync(_image, _directory, _image.Disk);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task What_was_flushed_is_there_and_what_was_not_is_gone()
    {
        await LiveAndDieAsync(
            "write -P 1 0 64k", "write -P 2 1M 64k", "write -P 2 2M 64k", "write -z 2M 64k", "flush",
            "write -P 3 0 4k", "write -P 4 1M 64k", "write -P 4 3M 64k");
        await HoldsAsync("read -P 1 0 64k", "read -P 2 1M 64k", "read -P 0 2M 64k");
        await DoesNotHoldAsync("read -P 4 3M 64k");
    }

    [Fact]
    public async Task Without_a_flush_nothing_is_there()
    {
        await LiveAndDieAsync("write -P 1 0 64k");
        await DoesNotHoldAsync("read -P 1 0 64k");
    }

    [Fact]
    public async Task The_last_flush_of_several_lives_counts()
    {
        await LiveAndDieAsync("write -P 1 0 64k", "write -P 1 1M 8M", "flush", "write -P 2 0 64k", "write -P 2 20M 512", "flush", "write -P 3 0 64k");
        await HoldsAsync("read -P 2 0 64k", "read -P 1 1M 8M", "read -P 2 20M 512");
        await LiveAndDieAsync("write -P 4 20M 512", "flush", "write -P 5 1M 8M");
        await HoldsAsync("read -P 2 0 64k", "read -P 1 1M 8M", "read -P 4 20M 512");
    }

    [Fact]
    public async Task An_end_in_order_loses_nothing()
    {
        // qemu-io flushes when it ends, as QEMU does.
        _ = await QemuIoAsync(await _disk!.OpenAsync(), "write -P 1 0 64k");
        await _disk.SettleAsync();
        await HoldsAsync("read -P 1 0 64k");
    }

    [Fact]
    public async Task A_disk_that_begins_with_another_ones_leaves_that_alone()
    {
        await LiveAndDieAsync("write -P 1 0 64k", "flush");
        string snapshot = Path.Combine(_directory, "snapshot.qcow2");
        await _disk!.MoveAsync(snapshot);
        await LiveAndDieAsync("write -P 2 0 64k", "flush");
        await HoldsAsync("read -P 2 0 64k");
        Assert.DoesNotContain(Different, await ReadAsync(snapshot, ["read -P 1 0 64k"]), StringComparison.Ordinal);
    }

    /// <summary>A life that ends by SIGKILL when all of its commands have.</summary>
    private async Task LiveAndDieAsync(params string[] commands)
    {
        SpawnResult end = await QemuIoAsync(await _disk!.OpenAsync(), [.. commands, "sigraise 9"]);
        Assert.Equal(KilledExitCode, end.ExitCode);
        await _disk.SettleAsync();
    }

    private async Task HoldsAsync(params string[] reads) =>
        Assert.DoesNotContain(Different, await ReadAsync(reads), StringComparison.Ordinal);

    private async Task DoesNotHoldAsync(string read) =>
        Assert.Contains(Different, await ReadAsync(read), StringComparison.Ordinal);

    private Task<string> ReadAsync(params string[] reads) => ReadAsync(_disk!.SafePath, reads);

    private async Task<string> ReadAsync(string file, string[] reads) =>
        (await QemuIoAsync($"driver=qcow2,file.driver=file,file.filename={file}", reads)).Output;

    // A cache, as the guests' disk has: without the option every write would be followed by a flush.
    private Task<SpawnResult> QemuIoAsync(string disk, params string[] commands) => Spawn.RunAsync(
        new SpawnRequest(_image!.Program("qemu-io"), ["--cache=writeback", "--image-opts", disk, .. commands.SelectMany(command => new[] { "-c", command })]),
        Patience, CancellationToken.None);
}

/// <summary>The same, seen by a guest that goes on from a snapshot.</summary>
[Collection(OneGuestAtATime.Name)]
public sealed class PowerCutOfAGuest(PreparedHost prepared)
{
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);

    [Fact]
    [Trait("half", "full")]
    public Task It_finds_what_it_flushed_and_not_what_it_only_wrote() => prepared.RunAsync("power-cut", async host =>
    {
        LabGuest guest = host.Guest;
        // The last write reaches the disk, past the page cache, into blocks that are there: nothing but a flush is missing, and
        // the file system, which flushes with each of its commits, is told to wait with the next one.
        _ = await guest.OutputOfAsync(
            """
            mount -o remount,commit=300 / && cd /root && head -c 1M /dev/zero >written && cp /bin/busybox flushed && sync flushed written && sync
            tr '\0' X </dev/zero | dd of=written bs=64k count=16 iflag=fullblock oflag=direct conv=notrunc status=none
            """);
        await guest.PowerCutAsync();
        await guest.PowerOnAsync(LabKernel.New);
        await guest.WaitForAgentAsync(BootTimeout);
        Assert.Equal(prepared.NewKernel, await guest.KernelReleaseAsync());
        _ = await guest.OutputOfAsync("cd /root && cmp flushed /bin/busybox && head -c 1M /dev/zero | cmp - written");
    });
}
