using System.Net.Sockets;

namespace Nvwa.Linux.Tests;

/// <summary>Against a real systemd: see <see cref="SystemdInstance"/>.</summary>
public sealed class SystemdBusTests(SystemdInstance systemd) : IClassFixture<SystemdInstance>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SystemdBus _bus = systemd.Connect();

    public void Dispose() => _bus.Dispose();

    [Fact]
    public void Units_are_listed_with_their_states()
    {
        SystemdUnitStatus target = Assert.Single(_bus.ListUnits(), unit => unit.Name == "default.target");

        Assert.Equal(
            new SystemdUnitStatus(
                "default.target",
                "Nothing",
                "loaded",
                "active",
                "active",
                "/org/freedesktop/systemd1/unit/default_2etarget"),
            target);
    }

    [Fact]
    public void The_version_is_told() => Assert.Matches("^[0-9]{3}", _bus.Version);

    [Fact]
    public async Task A_connection_that_the_manager_closed_is_made_anew()
    {
        string version = _bus.Version;
        using (var other = new SystemdConnection(systemd.Address))
        {
            // It executes itself anew, which no connection survives; how this one's call ends is chance.
            Assert.ThrowsAny<Exception>(() => other.Call("Reexecute", null, null));
        }

        Assert.Equal(version, await UntilAsync(() => _bus.Version));
    }

    [Fact]
    public void An_alias_is_resolved() => Assert.Equal("sleeper.service", _bus.GetUnitId("dozer.service"));

    [Fact]
    public void Properties_of_each_type_are_read()
    {
        const string Unit = "middle.service";

        Assert.Equal("The middle", _bus.GetString(Unit, SystemdInterface.Unit, "Description"));
        Assert.Contains("front.service", _bus.GetStrings(Unit, SystemdInterface.Unit, "After"));
        Assert.False(_bus.GetBool(Unit, SystemdInterface.Unit, "DefaultDependencies"));
        Assert.True(_bus.GetBool(Unit, SystemdInterface.Service, "RemainAfterExit"));
        Assert.Equal(0u, _bus.GetUInt32(Unit, SystemdInterface.Service, "MainPID"));
        Assert.Equal("sleep", Path.GetFileName(Assert.Single(_bus.GetPrograms("sleeper.service"))));
        Assert.Equal(90_000_000ul, _bus.GetUInt64(Unit, SystemdInterface.Service, "TimeoutStopUSec"));
    }

    [Fact]
    public void Many_properties_come_in_one_answer_and_are_the_same()
    {
        const string Unit = "middle.service";
        string[] lists = ["After", "Before", "Requires", "Wants", "NoSuchList"];

        SystemdProperties properties = _bus.GetMany(Unit, SystemdInterface.Unit, lists.ToHashSet(), new HashSet<string> { "DefaultDependencies", "CanStart", "NoSuchFlag" });

        Assert.All(lists[..^1], list => Assert.Equal(_bus.GetStrings(Unit, SystemdInterface.Unit, list).Order(), properties.Strings(list).Order()));
        Assert.Empty(properties.Strings("NoSuchList"));
        Assert.True(properties.Is("CanStart"));
        Assert.False(properties.Is("DefaultDependencies"));
        Assert.False(properties.Is("NoSuchFlag"));
    }

    [Fact]
    public void A_property_of_another_type_is_not_misread()
    {
        LinuxException failure = Assert.Throws<LinuxException>(
            () => _bus.GetUInt32("middle.service", SystemdInterface.Unit, "Description"));

        Assert.Equal(Errno.ENXIO, failure.Errno);
    }

    [Fact]
    public void A_property_that_does_not_exist_is_refused_by_name()
    {
        SystemdException failure = Assert.Throws<SystemdException>(
            () => _bus.GetString("middle.service", SystemdInterface.Unit, "NoSuchProperty"));

        Assert.Equal(SystemdError.UnknownProperty, failure.ErrorName);
    }

    [Fact]
    public void A_unit_without_a_file_can_be_asked_about_and_not_be_started()
    {
        Assert.Equal("not-found", _bus.GetString("nowhere.service", SystemdInterface.Unit, "LoadState"));

        SystemdException failure = Assert.Throws<SystemdException>(() => _bus.Start("nowhere.service"));

        Assert.Equal(SystemdError.NoSuchUnit, failure.ErrorName);
        Assert.Equal("StartUnit", failure.Operation);
        Assert.Equal("nowhere.service", failure.Subject);
        Assert.Contains("not found", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_masked_unit_is_told_apart()
    {
        SystemdException failure = Assert.Throws<SystemdException>(() => _bus.Start("masked.service"));

        Assert.Equal(SystemdError.UnitMasked, failure.ErrorName);
    }

    [Fact]
    public void An_address_where_nobody_listens_is_an_errno()
    {
        LinuxException failure = Assert.Throws<LinuxException>(
            () => SystemdBus.Connect($"unix:path={systemd.Root}/nobody").Dispose());

        Assert.Equal(Errno.ENOENT, failure.Errno);
    }

    [Fact]
    public async Task Units_are_started_and_stopped_in_their_own_order_whatever_order_they_are_given_in()
    {
        string record = $"{systemd.Root}/order";
        File.Delete(record);

        Assert.All(await StartAsync("rear.service", "front.service", "middle.service"), AssertDone);
        Assert.Equal(["+front", "+middle", "+rear"], await File.ReadAllLinesAsync(record));

        Assert.All(await StopAsync("front.service", "middle.service", "rear.service"), AssertDone);
        Assert.Equal(["-rear", "-middle", "-front"], (await File.ReadAllLinesAsync(record))[3..]);
    }

    [Fact]
    public async Task Each_unit_has_a_result_of_its_own()
    {
        IReadOnlyDictionary<string, SystemdJobResult> results =
            await StartAsync("failing.service", "nowhere.service", "dozer.service", "not a unit name");

        Assert.Equal("failed", results["failing.service"].Result);
        Assert.Equal(SystemdJobResult.Refused, results["nowhere.service"].Result);
        Assert.Equal(SystemdError.NoSuchUnit, results["nowhere.service"].ErrorName);
        Assert.True(results["dozer.service"].IsDone);
        Assert.Equal(SystemdJobResult.Refused, results["not a unit name"].Result);
        Assert.Equal(4, results.Count);
        _bus.ResetFailed("failing.service");
        Assert.Equal("inactive", _bus.GetString("failing.service", SystemdInterface.Unit, "ActiveState"));
    }

    [Fact]
    public async Task Stopping_what_is_not_running_is_done_at_once()
    {
        await StopAsync("sleeper.service");

        Assert.All(await StopAsync("sleeper.service"), AssertDone);
    }

    [Fact]
    public async Task A_stop_that_does_not_end_is_pending_at_the_deadline_and_ends_later()
    {
        Assert.All(await StartAsync("stubborn.service", "sleeper.service"), AssertDone);

        IReadOnlyDictionary<string, SystemdJobResult> results = await _bus.StopAllAsync(
            ["stubborn.service", "sleeper.service"], TimeSpan.FromSeconds(2), CancellationToken.None);

        Assert.Equal(SystemdJobResult.Pending, results["stubborn.service"].Result);
        Assert.Equal(SystemdJobResult.Done, results["sleeper.service"].Result);

        Task<IReadOnlyDictionary<string, SystemdJobResult>> second = StopAsync("stubborn.service");
        await LetStubbornStopAsync();
        Assert.All(await second, AssertDone);
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_ends_and_the_job_goes_on()
    {
        Assert.All(await StartAsync("stubborn.service"), AssertDone);
        using CancellationTokenSource cancellation = new(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _bus.StopAllAsync(["stubborn.service"], Patience, cancellation.Token));

        Task<IReadOnlyDictionary<string, SystemdJobResult>> second = StopAsync("stubborn.service");
        await LetStubbornStopAsync();
        Assert.All(await second, AssertDone);
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_before_it_begins_asks_for_nothing()
    {
        await StartAsync("sleeper.service");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _bus.StopAllAsync(["sleeper.service"], Patience, new CancellationToken(canceled: true)));

        Assert.Equal("active", _bus.GetString("sleeper.service", SystemdInterface.Unit, "ActiveState"));
    }

    [Fact]
    public async Task A_frozen_unit_stands_still_until_it_is_thawed()
    {
        await StartAsync("sleeper.service");

        _bus.Freeze("sleeper.service", Patience);
        Assert.Equal("frozen", _bus.GetString("sleeper.service", SystemdInterface.Unit, "FreezerState"));

        _bus.Thaw("sleeper.service", Patience);
        Assert.Equal("running", _bus.GetString("sleeper.service", SystemdInterface.Unit, "FreezerState"));
    }

    [Fact]
    public async Task A_unit_that_is_not_running_cannot_be_frozen()
    {
        await StopAsync("sleeper.service");

        SystemdException failure =
            Assert.Throws<SystemdException>(() => _bus.Freeze("sleeper.service", Patience));

        Assert.Equal(SystemdError.UnitInactive, failure.ErrorName);
    }

    [Fact]
    public async Task The_unit_of_a_process_is_found_and_its_control_group()
    {
        await StartAsync("sleeper.service");
        int pid = MainPid("sleeper.service");

        Assert.Equal("sleeper.service", _bus.UnitOfProcess(pid));
        Assert.Equal("/system.slice/sleeper.service", _bus.ControlGroup("sleeper.service"));
        Assert.Equal("/system.slice/sleeper.service", _bus.ControlGroup("dozer.service"));
        Assert.Null(_bus.ControlGroup("front.service"));
        Assert.Null(_bus.ControlGroup("default.target"));
    }

    [Fact]
    public void A_process_that_does_not_exist_is_in_no_unit()
    {
        SystemdException failure = Assert.Throws<SystemdException>(() => _bus.UnitOfProcess(4_000_000));

        Assert.Equal(SystemdError.NoUnitForPid, failure.ErrorName);
    }

    [Fact]
    public async Task A_signal_reaches_the_main_process()
    {
        await StartAsync("sleeper.service");
        int pid = MainPid("sleeper.service");

        _bus.KillUnit("sleeper.service", "main", 9);

        // The end comes by itself; a start joins it, and then there is another process.
        await StopAsync("sleeper.service");
        await StartAsync("sleeper.service");
        Assert.NotEqual(pid, MainPid("sleeper.service"));
    }

    [Fact]
    public async Task A_changed_unit_file_counts_after_a_reload()
    {
        string file = $"{systemd.Root}/units/changing.service";
        await File.WriteAllTextAsync(file, "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=true\nNice=1\n");
        Assert.Equal("loaded", _bus.GetString("changing.service", SystemdInterface.Unit, "LoadState"));
        await StartAsync("sleeper.service");
        int pid = MainPid("sleeper.service");
        await File.WriteAllTextAsync(file, "[Unit]\nDescription=Changed\n[Service]\nExecStart=true\n");

        _bus.Reload();

        Assert.Equal("Changed", _bus.GetString("changing.service", SystemdInterface.Unit, "Description"));
        Assert.Equal(pid, MainPid("sleeper.service"));
    }

    [Fact]
    public async Task A_process_that_runs_is_put_into_a_scope_of_its_own()
    {
        await StartAsync("sleeper.service");
        int pid = MainPid("sleeper.service");

        await _bus.StartTransientScopeAsync(
            new SystemdTransientScope("kept.scope", [pid]) { Slice = "kept.slice", Description = "Kept" },
            Patience,
            CancellationToken.None);

        Assert.Equal("kept.scope", _bus.UnitOfProcess(pid));
        Assert.Equal("Kept", _bus.GetString("kept.scope", SystemdInterface.Unit, "Description"));
        Assert.Equal("/kept.slice/kept.scope", _bus.ControlGroup("kept.scope"));

        SystemdException failure = await Assert.ThrowsAsync<SystemdException>(() => _bus.StartTransientScopeAsync(
            new SystemdTransientScope("kept.scope", [pid]), Patience, CancellationToken.None));
        Assert.Equal(SystemdError.UnitExists, failure.ErrorName);

        await StopAsync("kept.scope", "sleeper.service");
    }

    [Fact]
    public async Task A_scope_for_a_process_that_is_gone_is_refused()
    {
        SystemdException failure = await Assert.ThrowsAsync<SystemdException>(() => _bus.StartTransientScopeAsync(
            new SystemdTransientScope("ghost.scope", [4_000_000]), Patience, CancellationToken.None));

        Assert.Equal(SystemdError.NoSuchProcess, failure.ErrorName);
    }

    [Fact]
    public async Task A_process_is_attached_below_a_scope()
    {
        await _bus.StartTransientServiceAsync(
            new SystemdTransientService("first.service", ["/bin/sleep", "infinity"]), Patience, CancellationToken.None);
        await _bus.StartTransientServiceAsync(
            new SystemdTransientService("second.service", ["/bin/sleep", "infinity"]), Patience, CancellationToken.None);
        int pid = MainPid("second.service");
        await _bus.StartTransientScopeAsync(
            new SystemdTransientScope("both.scope", [MainPid("first.service")]) { IsDelegated = true },
            Patience,
            CancellationToken.None);

        _bus.AttachProcesses("both.scope", "", [pid]);

        Assert.Equal("both.scope", _bus.UnitOfProcess(pid));
        await StopAsync("both.scope", "first.service", "second.service");
    }

    [Fact]
    public async Task A_transient_service_speaks_through_the_socket_that_is_its_standard_input()
    {
        (SafeSocketHandle ours, SafeSocketHandle theirs) = Libc.SeqPacketPair();
        using Socket socket = new(ours);
        using (theirs)
        {
            await _bus.StartTransientServiceAsync(
                new SystemdTransientService(
                    "peer.service", ["/bin/sh", "-c", "line=$(head -n 1); echo \"$line $WORD ${0}x\" >&0", "$HOME"])
                {
                    Description = "A peer",
                    Slice = "kept.slice",
                    StandardInput = theirs,
                    OomScoreAdjust = -500,
                    KillMode = "process",
                    Environment = new Dictionary<string, string> { ["WORD"] = "two words" },
                },
                Patience,
                CancellationToken.None);
        }

        Assert.Equal("A peer", _bus.GetString("peer.service", SystemdInterface.Unit, "Description"));
        Assert.Equal("process", _bus.GetString("peer.service", SystemdInterface.Service, "KillMode"));
        Assert.Equal("/kept.slice/peer.service", _bus.ControlGroup("peer.service"));
        Assert.DoesNotContain("sysinit.target", _bus.GetStrings("peer.service", SystemdInterface.Unit, "Requires"));
        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        socket.Send("hello\n"u8);
        byte[] answer = new byte[100];
        int count = socket.Receive(answer);
        Assert.Equal("hello two words $HOMEx\n", System.Text.Encoding.UTF8.GetString(answer, 0, count));

        // It ends, and nobody else holds its end.
        Assert.Equal(0, socket.Receive(answer));
    }

    [Fact]
    public async Task A_transient_service_whose_program_is_missing_is_not_done()
    {
        SystemdException failure = await Assert.ThrowsAsync<SystemdException>(() => _bus.StartTransientServiceAsync(
            new SystemdTransientService("missing.service", ["/nowhere/program"]), Patience, CancellationToken.None));

        Assert.Equal(SystemdError.JobNotDone, failure.ErrorName);
        Assert.DoesNotContain(_bus.ListUnits(), unit => unit.Name == "missing.service");
    }

    [Fact]
    public void The_stages_of_the_start_are_in_order()
    {
        SystemdTimestamps stages = _bus.ManagerTimestamps();

        Assert.True(stages.Userspace > 0);
        Assert.True(stages.UnitsLoadStart >= stages.GeneratorsStart);
        Assert.True(stages.Finish >= stages.UnitsLoadFinish);
    }

    [Fact]
    public async Task Calls_from_many_threads_do_not_disturb_each_other()
    {
        string[] names = ["front", "middle", "rear", "sleeper"];

        string[] descriptions = await Task.WhenAll(Enumerable.Range(0, 200).Select(number => Task.Run(
            () => _bus.GetString($"{names[number % 4]}.service", SystemdInterface.Unit, "Description"))));

        Assert.Equal(Enumerable.Range(0, 200).Select(number => $"The {names[number % 4]}"), descriptions);
    }

    private static void AssertDone(KeyValuePair<string, SystemdJobResult> result) =>
        Assert.True(result.Value.IsDone, $"{result}");

    private Task<IReadOnlyDictionary<string, SystemdJobResult>> StartAsync(params string[] units) =>
        _bus.StartAllAsync(units, Patience, CancellationToken.None);

    private Task<IReadOnlyDictionary<string, SystemdJobResult>> StopAsync(params string[] units) =>
        _bus.StopAllAsync(units, Patience, CancellationToken.None);

    private int MainPid(string unit)
    {
        int pid = (int)_bus.GetUInt32(unit, SystemdInterface.Service, "MainPID");
        Assert.NotEqual(0, pid);
        return pid;
    }

    /// <summary>Its stop command writes to a pipe, which waits for this reader.</summary>
    private async Task LetStubbornStopAsync() =>
        Assert.Equal("stopping\n", await File.ReadAllTextAsync(SystemdUnits.Pipe(systemd.Root)));

    /// <summary>The manager may be on its way.</summary>
    private static async Task<string> UntilAsync(Func<string> ask)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                return ask();
            }
            catch (Exception failed) when (failed is LinuxException or SystemdException && !deadline.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
            }
        }
    }
}
