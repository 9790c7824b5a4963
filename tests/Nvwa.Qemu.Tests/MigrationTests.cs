using Microsoft.Win32.SafeHandles;

namespace Nvwa.Qemu.Tests;

/// <summary>What QEMU is told, word for word, and what becomes of each answer.</summary>
public sealed class MigrationTests : IDisposable
{
    private const string OldCapabilities = """migrate-set-capabilities {"capabilities":[{"capability":"events","state":true},{"capability":"x-ignore-shared","state":false}]}""";
    private const string OldParameters = """migrate-set-parameters {"max-bandwidth":1125899906842624}""";
    private const string Back = """migrate-set-capabilities {"capabilities":[{"capability":"events","state":true},{"capability":"x-ignore-shared","state":false},{"capability":"mapped-ram","state":false},{"capability":"multifd","state":false}]}""";
    private const string OldBack = """migrate-set-parameters {"max-bandwidth":134217728}""";
    private const string Normal = """migrate-set-parameters {"max-bandwidth":134217728,"mode":"normal","direct-io":false}""";
    private const string Release = """remove-fd {"fdset-id":7277}""";
    private const string Add = """add-fd {"fdset-id":7277} +fd""";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(200);

    /// <summary>As QEMU 7.2 has it.</summary>
    private static readonly QemuFeatures Old = new(
        new HashSet<MigrationMode> { MigrationMode.Normal }, new HashSet<string> { "events", "x-ignore-shared" }, HasFiles: false, HasDirectIo: false, OutlivesFailure: false);

    /// <summary>As QEMU 11 has it.</summary>
    private static readonly QemuFeatures New = new(
        new HashSet<MigrationMode> { MigrationMode.Normal, MigrationMode.CprReboot, MigrationMode.CprTransfer, MigrationMode.CprExec },
        new HashSet<string> { "events", "x-ignore-shared", "mapped-ram", "multifd" }, HasFiles: true, HasDirectIo: true, OutlivesFailure: true);

    private static readonly MigrationOptions Shared = new(MigrationMode.CprReboot, LeavesShared: true);

    private readonly string _path = Path.GetTempFileName();
    private readonly SafeFileHandle _file;

    public MigrationTests() => _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public async Task A_QEMU_with_CPR_stops_the_machine_itself_and_tells_when()
    {
        SaveTimes? times = null;
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["migrate"] = Saved() },
            async qmp => times = await Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon));

        Assert.Equal(
            [
                """migrate-set-capabilities {"capabilities":[{"capability":"events","state":true},{"capability":"x-ignore-shared","state":true},{"capability":"mapped-ram","state":false},{"capability":"multifd","state":false}]}""",
                """migrate-set-parameters {"max-bandwidth":1125899906842624,"mode":"cpr-reboot","direct-io":false}""",
                Release,
                Add,
                """migrate {"uri":"file:/dev/fdset/7277"}""",
            ],
            said);
        Assert.Equal(new SaveTimes(DateTimeOffset.FromUnixTimeSeconds(11), DateTimeOffset.FromUnixTimeSeconds(13)), times);
    }

    [Fact]
    public async Task Memory_that_is_copied_goes_by_several_threads_past_the_page_cache()
    {
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["migrate"] = Saved() },
            qmp => Migration.SaveAsync(qmp, New, new MigrationOptions(MigrationMode.CprReboot, Channels: 2), _file, _file, Soon));

        Assert.Equal(
            [
                """migrate-set-capabilities {"capabilities":[{"capability":"events","state":true},{"capability":"x-ignore-shared","state":false},{"capability":"mapped-ram","state":true},{"capability":"multifd","state":true}]}""",
                """migrate-set-parameters {"max-bandwidth":1125899906842624,"mode":"cpr-reboot","multifd-channels":2,"direct-io":true}""",
                Release,
                Add,
                Add,
                """migrate {"uri":"file:/dev/fdset/7277"}""",
            ],
            said);
    }

    [Fact]
    public async Task A_QEMU_without_CPR_is_stopped_before_and_gets_the_descriptor_by_name()
    {
        SaveTimes? times = null;
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["stop"] = new Reply { Events = [Reply.Event("STOP", 10)] }, ["migrate"] = new Reply { Events = [Reply.Migration("completed", 12)] } },
            async qmp => times = await Migration.SaveAsync(qmp, Old, new MigrationOptions(MigrationMode.Normal), _file, direct: null, Soon));

        Assert.Equal([OldCapabilities, OldParameters, """getfd {"fdname":"nvwa"} +fd""", "stop", """migrate {"uri":"fd:nvwa"}"""], said);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(10), times!.Stopped);
    }

    [Fact]
    public async Task A_machine_that_did_not_run_does_not_stop() => await TalkAsync(
        new() { ["migrate"] = new Reply { Events = [Reply.Migration("completed", 12)] } },
        async qmp => Assert.Null((await Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon)).Stopped));

    [Theory]
    [InlineData("failed")]
    [InlineData("cancelled")]
    public async Task A_save_that_fails_does_so_in_the_words_of_QEMU(string status) => await TalkAsync(
        new()
        {
            ["migrate"] = new Reply { Events = [Reply.Migration("setup", 10), Reply.Migration(status, 12)] },
            ["query-migrate"] = new Reply($$"""{"status": "{{status}}", "error-desc": "no space left"}"""),
        },
        async qmp => Assert.Equal("no space left", (await Assert.ThrowsAsync<MigrationException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon))).Message));

    [Fact]
    public async Task A_save_that_QEMU_refuses_names_what_it_refused() => await TalkAsync(
        new() { ["migrate"] = new Reply { Error = "There's a migration process in progress" } },
        async qmp => Assert.Matches("^save: .*migration process in progress", (await Assert.ThrowsAsync<MigrationException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon))).Message));

    [Theory]
    [InlineData("add-fd")]
    [InlineData("migrate")]
    public async Task A_QEMU_that_ends_while_it_is_saved_breaks_the_conversation(string at) => await TalkAsync(
        new() { [at] = new Reply { Dies = true } },
        qmp => Assert.ThrowsAsync<QmpTransportException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon)));

    [Fact]
    public async Task A_QEMU_that_ends_in_the_middle_of_writing_does_too() => await TalkAsync(
        new() { ["migrate"] = new Reply { Events = [Reply.Migration("active", 11)], DiesAfter = true } },
        qmp => Assert.ThrowsAsync<QmpTransportException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon)));

    [Fact]
    public async Task A_save_that_does_not_end_is_given_up() => await TalkAsync(
        new() { ["migrate"] = new Reply { Events = [Reply.Migration("active", 11)] } },
        qmp => Assert.ThrowsAsync<TimeoutException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Brief)));

    [Fact]
    public async Task Who_asked_may_give_a_save_up()
    {
        using var gone = new CancellationTokenSource(Brief);
        await TalkAsync(
            new() { ["migrate"] = new Reply { Events = [Reply.Migration("active", 11)] } },
            qmp => Assert.ThrowsAnyAsync<OperationCanceledException>(() => Migration.SaveAsync(qmp, New, Shared, _file, direct: null, Soon, gone.Token)));
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"status": "none"}""")]
    [InlineData("""{"status": "completed"}""")]
    [InlineData("""{"status": "failed"}""")]
    [InlineData("""{"status": "cancelled"}""")]
    public async Task After_a_save_that_has_ended_the_machine_goes_on(string status) => Assert.Equal(
        ["query-migrate", "query-status", "cont", Back, Normal, Release],
        await TalkAsync(new() { ["query-migrate"] = new Reply(status) }, qmp => Migration.GoOnAsync(qmp, New, isLive: true, Soon)));

    [Fact]
    public async Task A_save_that_goes_on_is_cancelled_before_the_machine_does() => Assert.Equal(
        ["query-migrate", "migrate_cancel", "query-migrate", "query-migrate", "query-status", "cont", Back, Normal, Release],
        await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"status": "active"}""", """{"status": "cancelling"}""", """{"status": "cancelled"}""") },
            qmp => Migration.GoOnAsync(qmp, New, isLive: true, Soon)));

    [Fact]
    public async Task A_machine_that_was_paused_stays_so() => Assert.Equal(
        ["query-migrate", "query-status", "cont", "stop", Back, Normal, Release],
        await TalkAsync([], qmp => Migration.GoOnAsync(qmp, New, isLive: false, Soon)));

    /// <summary>It would abort.</summary>
    [Fact]
    public async Task A_QEMU_whose_machine_slept_when_it_was_saved_is_not_told_to_go_on() => Assert.Equal(
        ["query-migrate", "query-status"],
        await TalkAsync([], qmp => Assert.ThrowsAsync<AsleepException>(() => Migration.GoOnAsync(qmp, New, isLive: true, Soon, isAsleep: true))));

    [Fact]
    public async Task Without_descriptors_left_behind_going_on_is_no_less_of_a_success() => Assert.Equal(
        ["query-migrate", "query-status", "cont", OldCapabilities, OldBack, """closefd {"fdname":"nvwa"}"""],
        await TalkAsync(new() { ["closefd"] = new Reply { Error = "File descriptor named 'nvwa' not found" } }, qmp => Migration.GoOnAsync(qmp, Old, isLive: true, Soon)));

    [Fact]
    public async Task A_cancellation_that_does_not_end_is_told_and_nothing_is_continued_into_it()
    {
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"status": "cancelling"}""") },
            qmp => Assert.ThrowsAsync<TimeoutException>(() => Migration.GoOnAsync(qmp, New, isLive: true, Brief)));

        Assert.DoesNotContain("cont", said);
    }

    [Fact]
    public async Task A_machine_that_cannot_be_continued_is_told() => await TalkAsync(
        new() { ["cont"] = new Reply { Error = "Failed to get write lock" } },
        qmp => Assert.ThrowsAsync<QmpException>(() => Migration.GoOnAsync(qmp, New, isLive: true, Soon)));

    [Fact]
    public async Task A_state_is_read_and_QEMU_set_back()
    {
        IReadOnlyList<string> said = await TalkAsync(
            new() { ["migrate-incoming"] = new Reply { Events = [Reply.Migration("completed", 12)] } },
            qmp => Migration.LoadAsync(qmp, New, Shared, _file, direct: null, Soon));

        Assert.Equal(
            [
                """migrate-set-capabilities {"capabilities":[{"capability":"events","state":true},{"capability":"x-ignore-shared","state":true},{"capability":"mapped-ram","state":false},{"capability":"multifd","state":false}]}""",
                """migrate-set-parameters {"max-bandwidth":1125899906842624,"mode":"cpr-reboot","direct-io":false}""",
                Release,
                Add,
                """migrate-incoming {"uri":"file:/dev/fdset/7277","exit-on-error":false}""",
                Back,
                Normal,
                Release,
            ],
            said);
    }

    [Fact]
    public async Task A_QEMU_that_cannot_outlive_a_failure_is_not_asked_to() => Assert.Contains(
        """migrate-incoming {"uri":"fd:nvwa"}""",
        await TalkAsync(
            new() { ["migrate-incoming"] = new Reply { Events = [Reply.Migration("completed", 12)] } },
            qmp => Migration.LoadAsync(qmp, Old, new MigrationOptions(MigrationMode.Normal), _file, direct: null, Soon)));

    [Fact]
    public async Task A_load_that_fails_does_so_in_the_words_of_QEMU() => await TalkAsync(
        new()
        {
            ["migrate-incoming"] = new Reply { Events = [Reply.Migration("active", 11), Reply.Migration("failed", 12)] },
            ["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "Unknown savevm section"}"""),
        },
        async qmp => Assert.Equal("Unknown savevm section", (await Assert.ThrowsAsync<MigrationException>(() => Migration.LoadAsync(qmp, New, Shared, _file, direct: null, Soon))).Message));

    [Fact]
    public async Task A_QEMU_that_replaces_itself_ends_the_conversation_and_that_is_its_success()
    {
        SaveTimes? times = null;
        await TalkAsync(
            new() { ["migrate"] = new Reply { Events = [Reply.Event("STOP", 11), Reply.Migration("completed", 13)], DiesAfter = true } },
            async qmp => times = await Migration.ReplaceAsync(qmp, New, new MigrationOptions(MigrationMode.CprExec), _file, Soon));

        Assert.Equal(new SaveTimes(DateTimeOffset.FromUnixTimeSeconds(11), DateTimeOffset.FromUnixTimeSeconds(13)), times);
    }

    [Fact]
    public async Task A_QEMU_that_could_not_replace_itself_says_so_even_after_it_had_completed() => await TalkAsync(
        new()
        {
            ["migrate"] = new Reply { Events = [Reply.Event("STOP", 11), Reply.Migration("completed", 13), Reply.Migration("failed", 14)] },
            ["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "execvp failed"}"""),
        },
        async qmp => Assert.Equal("execvp failed", (await Assert.ThrowsAsync<MigrationException>(() => Migration.ReplaceAsync(qmp, New, new MigrationOptions(MigrationMode.CprExec), _file, Soon))).Message));

    [Fact]
    public async Task A_QEMU_that_ends_before_it_was_to_replace_itself_has_not() => await TalkAsync(
        new() { ["add-fd"] = new Reply { Dies = true } },
        qmp => Assert.ThrowsAsync<QmpTransportException>(() => Migration.ReplaceAsync(qmp, New, new MigrationOptions(MigrationMode.CprExec), _file, Soon)));

    [Fact]
    public async Task Running_again_is_known_by_its_event() => await TalkAsync(
        new() { ["cont"] = new Reply { Events = [Reply.Event("RESUME", 20)] } },
        async qmp => Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(20), await Migration.ContinueAsync(qmp, Soon)));

    [Fact]
    public async Task What_comes_by_itself_is_waited_for_and_its_failure_told()
    {
        await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"status": "active"}""", """{"status": "completed"}""") }, qmp => Migration.LoadedAsync(qmp, Soon));
        await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"status": "failed", "error-desc": "bad"}""") },
            async qmp => Assert.Equal("load: bad", (await Assert.ThrowsAsync<MigrationException>(() => Migration.LoadedAsync(qmp, Soon))).Message));
        await TalkAsync(
            new() { ["query-migrate"] = new Reply("""{"status": "active"}""") }, qmp => Assert.ThrowsAsync<TimeoutException>(() => Migration.LoadedAsync(qmp, Brief)));
    }

    private static Reply Saved() => new()
    {
        Events = [Reply.Migration("setup", 10), Reply.Event("STOP", 11), Reply.Migration("active", 12), Reply.Migration("device", 12), Reply.Migration("completed", 13)],
    };

    private static async Task<IReadOnlyList<string>> TalkAsync(Dictionary<string, Reply> replies, Func<QmpClient, Task> act)
    {
        IReadOnlyList<string> said = [];
        _ = replies.TryAdd("query-status", new Reply("""{"running": false, "status": "postmigrate"}"""));
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
