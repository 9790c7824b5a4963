using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Nvwa.Api;
using Nvwa.Core;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Hosts;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.Qemu;
using Nvwa.State;
using Nvwa.Update;
using Nvwa.Varlink;

namespace Nvwa.Daemon;

/// <summary>
/// The daemon: first does what the journal asks for (a restore after a switch, a rollback after a crash), then answers
/// requests. At most one update runs at a time; status is answered all the while.
/// </summary>
internal sealed class NvwaDaemon(ConfigurationFiles files, IUpdateJournal journal, Func<IHost> connect, TimeProvider time, Action<string> log) : IDisposable
{
    private static readonly TimeSpan TellDeadline = TimeSpan.FromSeconds(2);

    private readonly string _bootId = $"{ProcFs.BootId}";
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private Action? _cancel;

    /// <summary>Completed when nothing runs.</summary>
    private Task _work = Task.CompletedTask;

    public static string Version { get; } =
        typeof(NvwaDaemon).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public async Task<ExitCode> RunAsync(CancellationToken cancellation)
    {
        using Socket listener = Listen();
        var info = new ServiceInfo("nvwa", "nvwa", Version, "https://gitee.com/openeuler/nvwa", ["org.varlink.service", NvwaInterface.Name]);
        var offered = new VarlinkInterface(NvwaInterface.Name, NvwaInterface.Description, new Dictionary<string, VarlinkMethod>
        {
            ["Update"] = UpdateAsync,
            ["Check"] = CheckAsync,
            ["Cancel"] = CancelAsync,
            ["Init"] = InitAsync,
            ["Status"] = StatusAsync,
            ["ListMachines"] = ListMachinesAsync,
            ["CheckMachine"] = CheckMachineAsync,
            ["UpgradeMachine"] = UpgradeMachineAsync,
        });
        var server = new VarlinkServer(listener, info, offered, socket => Credentials.OfPeer(socket.SafeHandle).Pid, log);
        _work = RecoverAsync(cancellation);
        Notify.Send("READY=1");
        try
        {
            await server.RunAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // systemctl stop: an update that runs is rolled back before we go, and a machine goes on in one of its QEMUs.
            await StopAsync();
        }

        return ExitCode.Done;
    }

    public void Dispose()
    {
        _one.Dispose();
        _stopping.Dispose();
    }

    private async Task RecoverAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            await LoggedAsync("what the journal asks for", async () =>
            {
                using IHost host = connect();
                await new Recovery(host, log).RunAsync(cancellation);
            });
            await LoggedAsync("what an upgrade of a virtual machine left unfinished", () => UnfinishedUpgrade.FinishAllAsync(files.Read().Server.CriuDir, log));
            await LoggedAsync("removing what is left of it", () =>
            {
                UnitLauncher.RemoveLeft(log);
                return Task.CompletedTask;
            });
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task LoggedAsync(string what, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception failed) when (failed is not OperationCanceledException)
        {
            log($"{what} could not be done: {failed}");
        }
    }

    private async Task<JsonElement> UpdateAsync(VarlinkCall call, CancellationToken cancellation)
    {
        UpdateParameters parameters = call.Parameters(ApiJson.Default.UpdateParameters);
        using Exclusive exclusive = Enter();
        if (journal.Read() is { IsOpen: true } open)
        {
            // Its recovery failed; a new journal would forget what it saved.
            string[] waiting = [.. open.Workloads.Where(workload => !workload.IsSettled).Select(workload => workload.Workload.Name)];
            throw VarlinkException.Of(NvwaInterface.ImagesPending, new PendingParameters(waiting), ApiJson.Default.PendingParameters);
        }

        Planning planning = await PlanAsync(parameters.Version, parameters.Append, call.CallerPid, cancellation);
        if (planning.Plan is not { } plan)
        {
            throw VarlinkException.Of(NvwaInterface.Refused, new RefusedParameters(planning.Results), ApiJson.Default.RefusedParameters);
        }

        if (parameters.DryRun == true)
        {
            string dry = $"would replace {ProcFs.KernelRelease} by {plan.Kernel.Version}, keep {Names(plan.Workloads.Select(workload => workload.Name))}, "
                + $"and stop {Names(plan.StopList)}; kernel command line: {plan.CommandLine}";
            return Last(new Progress(null, Phase.Check, dry, planning.Results));
        }

        await call.ReplyAsync(
            new Progress(plan.Id, Phase.Check, $"update {plan.Id}: {ProcFs.KernelRelease} -> {plan.Kernel.Version}", planning.Results),
            ApiJson.Default.Progress);
        RolledBack ended = await RunUpdateAsync(plan, progress =>
        {
            log($"update {plan.Id}: {progress.Phase}: {progress.Message}");
            return TellAsync(call, progress);
        });
        string restarted = ended.Restarted.Count == 0 ? "" : $"; restarted: {Names(ended.Restarted)}";
        string troubles = ended.Troubles.Count == 0 ? "" : $"; but: {string.Join("; ", ended.Troubles)}";
        throw VarlinkException.Of(
            NvwaInterface.Failed,
            new Message($"{ended.During} failed: {ended.Reason}; rolled back, everything runs on {ProcFs.KernelRelease}{restarted}{troubles}"),
            ApiJson.Default.Message);
    }

    /// <summary>A caller that stopped reading must not hold up a host that is frozen.</summary>
    private async Task TellAsync(VarlinkCall call, Progress progress)
    {
        try
        {
            await call.ReplyAsync(progress, ApiJson.Default.Progress).WaitAsync(TellDeadline, time);
        }
        catch (TimeoutException)
        {
            log("the caller of Update does not read; the work goes on");
        }
    }

    /// <summary>Runs until the jump, or until everything is rolled back.</summary>
    private async Task<RolledBack> RunUpdateAsync(UpdatePlan plan, Func<Progress, Task> report)
    {
        using var running = new CancellationTokenSource();
        using IHost host = connect();
        _cancel = running.Cancel;
        var finished = new TaskCompletionSource();
        _work = finished.Task;
        try
        {
            return await new UpdateRun(plan, host, report, line => log($"update {plan.Id}: {line}")).RunAsync(running.Token);
        }
        finally
        {
            _cancel = null;
            finished.SetResult();
        }
    }

    private async Task<JsonElement> CheckAsync(VarlinkCall call, CancellationToken cancellation)
    {
        CheckParameters parameters = call.Parameters(ApiJson.Default.CheckParameters);
        Planning planning = await PlanAsync(parameters.Version, null, call.CallerPid, cancellation);
        return JsonSerializer.SerializeToElement(new CheckReply(planning.Results), ApiJson.Default.CheckReply);
    }

    private Task<JsonElement> CancelAsync(VarlinkCall call, CancellationToken cancellation)
    {
        if (_cancel is not { } cancel || journal.Read() is not { } state)
        {
            throw VarlinkException.Of(NvwaInterface.Failed, new Message("cancel: no update is running"), ApiJson.Default.Message);
        }

        cancel();
        return Task.FromResult(JsonSerializer.SerializeToElement(new CancelReply(state.Id), ApiJson.Default.CancelReply));
    }

    private async Task<JsonElement> InitAsync(VarlinkCall call, CancellationToken cancellation)
    {
        bool discard = call.Parameters(ApiJson.Default.InitParameters).Discard == true;
        using Exclusive exclusive = Enter();
        var removed = new List<string>();
        UpdateState? state = ReadOrSetAside(discard, removed);
        string[] pending = state?.Next(_bootId) == NextStep.Restore
            ? [.. state.Workloads.Where(workload => workload.IsPending(_bootId)).Select(workload => workload.Workload.Name)]
            : [];
        if (pending.Length > 0 && !discard)
        {
            throw VarlinkException.Of(NvwaInterface.ImagesPending, new PendingParameters(pending), ApiJson.Default.PendingParameters);
        }

        if (state?.Next(_bootId) == NextStep.RollBack)
        {
            // A rollback that did not get through: nothing may be forgotten while it is frozen.
            using IHost host = connect();
            RolledBack ended = await new RollBack(host, log).RunAsync(state, state.LastForwardPhase, "nvwa init");
            if (journal.Read() is { IsOpen: true })
            {
                throw VarlinkException.Of(
                    NvwaInterface.Failed, new Message($"init: update {state.Id} could not be rolled back: {string.Join("; ", ended.Troubles)}"), ApiJson.Default.Message);
            }
        }

        using var systemd = SystemdBus.Connect();
        removed.AddRange(new Clearing(files, journal, systemd).Run(journal.Read()));
        return JsonSerializer.SerializeToElement(new InitReply(removed), ApiJson.Default.InitReply);
    }

    private UpdateState? ReadOrSetAside(bool discard, List<string> removed)
    {
        try
        {
            return journal.Read();
        }
        catch (InvalidDataException unreadable) when (!discard)
        {
            throw VarlinkException.Of(
                NvwaInterface.Failed,
                new Message($"init: {UpdateJournal.Directory}/journal cannot be read: {unreadable.Message}; what it saved cannot be restored, 'nvwa init --discard' moves it out of the way"),
                ApiJson.Default.Message);
        }
        catch (InvalidDataException)
        {
            removed.Add($"the journal that could not be read (kept as {journal.SetAside()})");
            return journal.Read();
        }
    }

    private async Task<JsonElement> StatusAsync(VarlinkCall call, CancellationToken cancellation)
    {
        StatusParameters parameters = call.Parameters(ApiJson.Default.StatusParameters);
        if (parameters.Wait == true)
        {
            await _work.WaitAsync(cancellation);
        }

        UpdateState? state = parameters.Id is null ? journal.Read() : journal.Read(parameters.Id);
        if (parameters.Id is not null && state is null)
        {
            throw VarlinkException.Of(
                NvwaInterface.Usage, new Message($"status: there is no update {parameters.Id}"), ApiJson.Default.Message);
        }

        var reply = new StatusReply(Version, ProcFs.KernelRelease, state is null ? null : UpdateReport.Of(state));
        return JsonSerializer.SerializeToElement(reply, ApiJson.Default.StatusReply);
    }

    private Task<JsonElement> ListMachinesAsync(VarlinkCall call, CancellationToken cancellation) => MachinesAsync(async machines =>
        JsonSerializer.SerializeToElement(new MachinesReply(await machines.ListAsync(cancellation)), ApiJson.Default.MachinesReply));

    private Task<JsonElement> CheckMachineAsync(VarlinkCall call, CancellationToken cancellation) => MachinesAsync(async machines =>
    {
        CheckMachineParameters asked = call.Parameters(ApiJson.Default.CheckMachineParameters);
        return JsonSerializer.SerializeToElement(new CheckReply(await machines.CheckAsync(asked.Name, asked.Qemu, cancellation)), ApiJson.Default.CheckReply);
    });

    /// <summary>Not beside an update, which may be about the same machine. It is not broken off with its caller, but with the daemon.</summary>
    private Task<JsonElement> UpgradeMachineAsync(VarlinkCall call, CancellationToken cancellation) => MachinesAsync(async machines =>
    {
        UpgradeMachineParameters asked = call.Parameters(ApiJson.Default.UpgradeMachineParameters);
        using Exclusive exclusive = Enter();
        log($"vm upgrade {asked.Name}: begun");
        (IReadOnlyList<CheckResult> refusals, UpgradeMachineReply? reply) = await AsWorkAsync(() => machines.UpgradeAsync(asked, _stopping.Token));
        if (reply is null)
        {
            throw VarlinkException.Of(NvwaInterface.Refused, new RefusedParameters(refusals), ApiJson.Default.RefusedParameters);
        }

        log($"vm upgrade {asked.Name}: QEMU {reply.OldVersion} -> {reply.NewVersion} by {reply.Mode}, {reply.Blackout?.Milliseconds ?? 0} ms");
        return JsonSerializer.SerializeToElement(reply, ApiJson.Default.UpgradeMachineReply);
    });

    /// <summary>A stop of the daemon waits for it: between two QEMUs a machine has none.</summary>
    private async Task<T> AsWorkAsync<T>(Func<Task<T>> run)
    {
        var finished = new TaskCompletionSource();
        _work = finished.Task;
        try
        {
            return await run();
        }
        finally
        {
            finished.SetResult();
        }
    }

    private async Task<JsonElement> MachinesAsync(Func<MachineRequests, Task<JsonElement>> answer)
    {
        try
        {
            return await answer(new MachineRequests(files));
        }
        catch (ConfigurationException wrong)
        {
            throw VarlinkException.Of(NvwaInterface.Usage, new Message(wrong.Message), ApiJson.Default.Message);
        }
        catch (Exception failed) when (failed is MachineRequestException or QmpException or QmpTransportException or MigrationException
            || (failed is not OperationCanceledException && StepFailedException.IsExpected(failed)))
        {
            log($"vm: {failed.Message}");
            throw VarlinkException.Of(NvwaInterface.Failed, new Message($"vm: {failed.Message}"), ApiJson.Default.Message);
        }
    }

    private async Task<Planning> PlanAsync(string? version, string? append, int callerPid, CancellationToken cancellation)
    {
        try
        {
            return await new Planner(files, time).PlanAsync(version, append ?? "", callerPid, cancellation);
        }
        catch (ConfigurationException wrong)
        {
            throw VarlinkException.Of(NvwaInterface.Usage, new Message(wrong.Message), ApiJson.Default.Message);
        }
    }

    private async Task StopAsync()
    {
        _cancel?.Invoke();
        await _stopping.CancelAsync();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>One update, restore or init at a time; a second is refused, not queued.</summary>
    private Exclusive Enter() => _one.Wait(0)
        ? new Exclusive(_one)
        : throw VarlinkException.Of(NvwaInterface.Busy, new BusyParameters(journal.Read() is { IsOpen: true } open ? open.Id : ""), ApiJson.Default.BusyParameters);

    private sealed class Exclusive(SemaphoreSlim one) : IDisposable
    {
        public void Dispose() => one.Release();
    }

    private static Socket Listen()
    {
        PrivateDirectory.Create(Path.GetDirectoryName(NvwaInterface.SocketPath)!);
        File.Delete(NvwaInterface.SocketPath);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(NvwaInterface.SocketPath));
        listener.Listen();
        return listener;
    }

    private static JsonElement Last(Progress progress) => JsonSerializer.SerializeToElement(progress, ApiJson.Default.Progress);

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("nothing"));
}
