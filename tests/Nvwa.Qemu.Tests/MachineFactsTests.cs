namespace Nvwa.Qemu.Tests;

public sealed class MachineFactsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly QemuFeatures Features = new(
        new HashSet<MigrationMode> { MigrationMode.Normal, MigrationMode.CprReboot }, new HashSet<string>(), HasFiles: true, HasDirectIo: true, OutlivesFailure: true);

    [Fact]
    public async Task A_machine_tells_what_it_is()
    {
        MachineFacts? facts = null;
        await TalkAsync(Machine(), async qmp => facts = await MachineFacts.ReadAsync(qmp));

        Assert.Equal("11.1.3 (Debian)", $"{facts!.Version}");
        Assert.Equal("running", facts.Status);
        Assert.True(facts.IsLive);
        Assert.Equal("pc-q35-10.0", facts.Type);
        Assert.False(facts.SharesAuxiliaryRam);
        Assert.Equal([new RamBackend("ram", "memory-backend-file", 1 << 30, IsShared: true, "/dev/dax0.0")], facts.Ram);
        Assert.Equal(["virtio-net-pci", "vfio-pci"], facts.Devices);
        Assert.Equal(["net0"], facts.DeviceIds);
        Assert.Equal(["vfio-pci"], facts.Passthrough);
        Assert.Equal(["/disk.qcow2"], facts.Images);
    }

    [Theory]
    [InlineData("qom-list", "7")]
    [InlineData("qom-list", "[{}]")]
    [InlineData("qom-list", """[{"name": "a", "type": null}]""")]
    [InlineData("qom-list", """[{"name": "a", "type": "child<"}]""")]
    [InlineData("query-block", "{}")]
    [InlineData("query-block", """[{"inserted": {"ro": false, "file": null}}]""")]
    [InlineData("query-block", """[{"inserted": {"ro": "no"}}]""")]
    [InlineData("query-status", "null")]
    public async Task An_answer_that_is_not_what_QEMU_documents_is_an_error(string command, string answer)
    {
        Dictionary<string, Reply> replies = Machine();
        replies[command] = new Reply(answer);

        await TalkAsync(replies, qmp => Assert.ThrowsAsync<QmpTransportException>(() => MachineFacts.ReadAsync(qmp)));
    }

    [Fact]
    public async Task Obstacles_are_those_of_the_mode_which_is_set_for_the_question_only()
    {
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"blocked-reasons": ["virgl is not yet migratable"]}""") },
            async qmp => Assert.Equal(["virgl is not yet migratable"], await MachineFacts.ObstaclesAsync(qmp, Features, MigrationMode.CprReboot)));

        Assert.Equal(["""migrate-set-parameters {"mode":"cpr-reboot"}""", "query-migrate", """migrate-set-parameters {"mode":"normal"}"""], said);
    }

    [Fact]
    public async Task Whoever_stops_asking_leaves_no_mode_behind()
    {
        using var gone = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["query-migrate"] = new Reply { Hangs = true } },
            qmp => Assert.ThrowsAnyAsync<OperationCanceledException>(() => MachineFacts.ObstaclesAsync(qmp, Features, MigrationMode.CprReboot, gone.Token)));

        Assert.Equal("""migrate-set-parameters {"mode":"normal"}""", said[^1]);
    }

    [Fact]
    public async Task A_QEMU_with_one_mode_is_only_asked() => Assert.Equal(
        ["query-migrate"],
        await TalkAsync(
            [],
            async qmp => Assert.Empty(await MachineFacts.ObstaclesAsync(qmp, Features with { Modes = new HashSet<MigrationMode> { MigrationMode.Normal } }, MigrationMode.Normal))));

    /// <summary>In the order of the questions.</summary>
    private static Dictionary<string, Reply> Machine() => new()
    {
        ["qom-list"] = new Reply(
            """[{"name": "type", "type": "string"}, {"name": "net0", "type": "child<virtio-net-pci>"}]""",
            """[{"name": "device[0]", "type": "child<vfio-pci>"}]""",
            """[{"name": "ram", "type": "child<memory-backend-file>"}, {"name": "rng0", "type": "child<rng-random>"}]"""),
        ["qom-get"] = new Reply("\"pc-q35-10.0-machine\"", "false", "1073741824", "true", "\"/dev/dax0.0\""),
        ["query-status"] = new Reply("""{"running": true, "status": "running"}"""),
        ["query-block"] = new Reply("""[{"device": "d", "inserted": {"ro": false, "file": "/disk.qcow2"}}, {"device": "c", "inserted": {"ro": true, "file": "/cd.iso"}}, {"device": "empty"}]"""),
    };

    private static async Task<IReadOnlyList<string>> TalkAsync(Dictionary<string, Reply> replies, Func<QmpClient, Task> act)
    {
        IReadOnlyList<string> said = [];
        await using var qemu = ScriptedPeer.Play(async peer =>
        {
            await peer.GreetAsync();
            said = await peer.ServeAsync(replies);
        });
        await using (QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, Soon))
        {
            await act(qmp);
        }

        await qemu.PlayedAsync();
        return said;
    }
}
