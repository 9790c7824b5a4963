using System.Runtime.Versioning;

namespace Nvwa.Qemu.Tests;

[SupportedOSPlatform("linux")]
public sealed class QemuProbeTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongEnoughToStart = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(500);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-probe-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_program_that_ends_is_no_QEMU() => Assert.Matches("/bin/false is no QEMU that works: .*ended with 1", await RefusedAsync("/bin/false", Soon));

    [Fact]
    public async Task What_a_program_says_last_is_the_reason() =>
        Assert.EndsWith("is no QEMU that works: Could not access KVM", await RefusedAsync(Script("echo starting; echo 'Could not access KVM' >&2; exit 1"), Soon), StringComparison.Ordinal);

    [Fact]
    public async Task A_program_that_says_nothing_is_not_waited_for_for_ever_and_is_ended()
    {
        string pid = Path.Combine(_directory.FullName, "pid");

        Assert.Contains("no QMP within", await RefusedAsync(Script($"echo $$ > {pid}; exec sleep 600"), LongEnoughToStart), StringComparison.Ordinal);

        Assert.False(Directory.Exists($"/proc/{(await File.ReadAllTextAsync(pid)).Trim()}"));
    }

    [Fact]
    public async Task A_program_that_is_not_there_cannot_be_started() =>
        Assert.StartsWith("/no/such/qemu cannot be started", await RefusedAsync("/no/such/qemu", Soon), StringComparison.Ordinal);

    [Fact]
    public async Task Who_asked_may_give_it_up()
    {
        using var gone = new CancellationTokenSource(Brief);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => QemuProbe.RunAsync(Script("exec sleep 600"), _directory.FullName, Soon, gone.Token));
    }

    [Fact]
    public void A_QEMU_without_the_machine_or_one_of_its_devices_cannot_take_it_over()
    {
        var features = new QemuFeatures(new HashSet<MigrationMode>(), new HashSet<string>(), HasFiles: true, HasDirectIo: true, OutlivesFailure: true);
        var probe = new QemuProbe("/q", new QmpVersion(9, 2, 0, ""), features, new HashSet<string> { "pc-q35-9.2" }, new HashSet<string> { "virtio-net-pci" });
        var machine = new MachineFacts(new QmpVersion(9, 0, 0, ""), "running", "pc-q35-9.2", SharesAuxiliaryRam: false, [], ["virtio-net-pci"], [], []);

        Assert.Null(probe.Obstacle(machine, MigrationMode.Normal));
        Assert.Equal("/q (QEMU 9.2.0) has no machine pc-q35-10.0", probe.Obstacle(machine with { Type = "pc-q35-10.0" }, MigrationMode.Normal));
        Assert.Equal("/q (QEMU 9.2.0) has no device virtio-new", probe.Obstacle(machine with { Devices = ["virtio-net-pci", "virtio-new"] }, MigrationMode.Normal));
    }

    private async Task<string> RefusedAsync(string program, TimeSpan timeout)
    {
        string message = (await Assert.ThrowsAsync<MigrationException>(() => QemuProbe.RunAsync(program, _directory.FullName, timeout))).Message;
        Assert.Empty(_directory.GetFiles("probe.*"));
        return message;
    }

    private string Script(string commands)
    {
        string path = Path.Combine(_directory.FullName, "qemu");
        using var script = new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
        });
        script.Write($"#!/bin/sh\n{commands}\n");
        return path;
    }
}
