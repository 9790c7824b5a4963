using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Nvwa.Api;
using Nvwa.Core.Checks;
using Nvwa.Core.Journal;
using Nvwa.Linux;
using Nvwa.Varlink;

namespace Nvwa.Cli;

/// <summary>The verbs that ask the daemon. Each prints and gives an exit code.</summary>
internal sealed class Client(
    TextWriter output, TextWriter error, TextReader input, TimeProvider time, string socketPath = NvwaInterface.SocketPath, bool? isInteractive = null)
{
    /// <summary>A restart or a kernel change may hide the daemon this long from <c>status --wait</c>.</summary>
    private static readonly TimeSpan DaemonAbsence = TimeSpan.FromMinutes(10);

    public Task<ExitCode> UpdateAsync(UpdateParameters parameters, bool json, CancellationToken cancellation) => AskAsync(async client =>
    {
        Progress? last = null;
        try
        {
            await foreach (Progress progress in client.CallAsync(
                NvwaInterface.Name + ".Update", parameters, ApiJson.Default.UpdateParameters, ApiJson.Default.Progress, cancellation))
            {
                last = progress;
                Print(progress, ApiJson.Default.Progress, json, () => Show(progress));
            }
        }
        catch (Exception gone) when (last?.Phase == Core.Phase.Switch && gone is VarlinkProtocolException or SocketException)
        {
            // The daemon goes down with its kernel: this is how a switch looks from here.
        }

        return ExitCode.Done;
    });

    public Task<ExitCode> CheckAsync(CheckParameters parameters, bool json, CancellationToken cancellation) => AskAsync(async client =>
    {
        CheckReply reply = await OnceAsync(client, "Check", parameters, ApiJson.Default.CheckParameters, ApiJson.Default.CheckReply, cancellation);
        Print(reply, ApiJson.Default.CheckReply, json, () => Output.Checks(output, reply.Results));
        return CodeOf(reply.Results);
    });

    public Task<ExitCode> CancelAsync(CancellationToken cancellation) => AskAsync(async client =>
    {
        CancelReply reply = await OnceAsync(client, "Cancel", new NoParameters(), ApiJson.Default.NoParameters, ApiJson.Default.CancelReply, cancellation);
        await output.WriteLineAsync($"Update {reply.Id} is being rolled back; follow with: nvwa status --wait {reply.Id}");
        return ExitCode.Done;
    });

    public Task<ExitCode> InitAsync(bool discard, CancellationToken cancellation) => AskAsync(async client =>
    {
        InitReply reply;
        try
        {
            reply = await InitOnceAsync(client, discard, cancellation);
        }
        catch (VarlinkException pending) when (pending.Error == NvwaInterface.ImagesPending && (isInteractive ?? !Console.IsInputRedirected))
        {
            IReadOnlyList<string> workloads = pending.Parameters.Deserialize(ApiJson.Default.PendingParameters)!.Workloads;
            await output.WriteAsync($"Saved and not restored: {string.Join(", ", workloads)}. Give them up? [y/N] ");
            if (await input.ReadLineAsync(cancellation) is not ("y" or "Y" or "yes"))
            {
                await error.WriteLineAsync("nvwa: init: nothing was removed");
                return ExitCode.Refused;
            }

            reply = await InitOnceAsync(client, discard: true, cancellation);
        }

        await output.WriteLineAsync(reply.Removed.Count == 0 ? "Nothing to remove." : string.Join(Environment.NewLine, reply.Removed.Select(line => $"Removed {line}")));
        return ExitCode.Done;
    });

    public Task<ExitCode> StatusAsync(StatusParameters parameters, bool json, CancellationToken cancellation) =>
        parameters.Wait == true ? ExplainedAsync(() => WaitAsync(parameters, json, cancellation)) : AskAsync(async client =>
        {
            StatusReply reply = await StatusOnceAsync(client, parameters, cancellation);
            Print(reply, ApiJson.Default.StatusReply, json, () => Output.Status(output, reply));
            return reply.Update?.Outcome is Outcome.Degraded or Outcome.Interrupted ? ExitCode.Degraded : ExitCode.Done;
        });

    public Task<ExitCode> ListMachinesAsync(bool json, CancellationToken cancellation) => AskAsync(async client =>
    {
        MachinesReply reply = await OnceAsync(client, "ListMachines", new NoParameters(), ApiJson.Default.NoParameters, ApiJson.Default.MachinesReply, cancellation);
        Print(reply, ApiJson.Default.MachinesReply, json, () => Output.Machines(output, reply.Machines));
        return ExitCode.Done;
    });

    public Task<ExitCode> CheckMachineAsync(CheckMachineParameters parameters, bool json, CancellationToken cancellation) => AskAsync(async client =>
    {
        CheckReply reply = await OnceAsync(client, "CheckMachine", parameters, ApiJson.Default.CheckMachineParameters, ApiJson.Default.CheckReply, cancellation);
        Print(reply, ApiJson.Default.CheckReply, json, () => Output.Checks(output, reply.Results));
        return CodeOf(reply.Results);
    });

    public Task<ExitCode> UpgradeMachineAsync(UpgradeMachineParameters parameters, bool json, CancellationToken cancellation) => AskAsync(async client =>
    {
        UpgradeMachineReply reply = await OnceAsync(
            client, "UpgradeMachine", parameters, ApiJson.Default.UpgradeMachineParameters, ApiJson.Default.UpgradeMachineReply, cancellation);
        Print(reply, ApiJson.Default.UpgradeMachineReply, json, () => Output.Upgrade(output, reply));
        return reply.Setbacks.Count == 0 ? ExitCode.Done : ExitCode.Degraded;
    });

    /// <summary>Waits across the switch: the daemon may be away while the kernel changes.</summary>
    private async Task<ExitCode> WaitAsync(StatusParameters parameters, bool json, CancellationToken cancellation)
    {
        long lastSeen = time.GetTimestamp();
        while (true)
        {
            bool connected = false;
            try
            {
                using VarlinkClient client = await VarlinkClient.ConnectAsync(socketPath, cancellation);
                connected = true;
                StatusReply reply = await StatusOnceAsync(client, parameters, cancellation);
                Print(reply, ApiJson.Default.StatusReply, json, () => Output.Status(output, reply));
                return CodeOf(reply.Update?.Outcome ?? Outcome.None);
            }
            catch (Exception away) when (away is SocketException or VarlinkProtocolException && (connected || time.GetElapsedTime(lastSeen) < DaemonAbsence))
            {
                lastSeen = connected ? time.GetTimestamp() : lastSeen;
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellation);
            }
        }
    }

    private Task<ExitCode> AskAsync(Func<VarlinkClient, Task<ExitCode>> ask) => ExplainedAsync(async () =>
    {
        using VarlinkClient client = await VarlinkClient.ConnectAsync(socketPath, CancellationToken.None);
        return await ask(client);
    });

    private async Task<ExitCode> ExplainedAsync(Func<Task<ExitCode>> ask)
    {
        if (!Credentials.IsRoot)
        {
            await error.WriteLineAsync("nvwa: must be run as root");
            return ExitCode.Usage;
        }

        try
        {
            return await AnsweredAsync(ask);
        }
        catch (SocketException)
        {
            await error.WriteLineAsync("nvwa: the daemon is not running; start it with: systemctl start nvwa");
            return ExitCode.Failed;
        }
        catch (Exception broken) when (broken is VarlinkProtocolException or JsonException)
        {
            await error.WriteLineAsync($"nvwa: the daemon went away: {broken.Message}; see: journalctl -u nvwa");
            return ExitCode.Failed;
        }
    }

    private async Task<ExitCode> AnsweredAsync(Func<Task<ExitCode>> ask)
    {
        try
        {
            return await ask();
        }
        catch (VarlinkException refused)
        {
            return await ExplainAsync(refused);
        }
    }

    private async Task<ExitCode> ExplainAsync(VarlinkException refused)
    {
        switch (refused.Error)
        {
            case NvwaInterface.Refused:
                IReadOnlyList<CheckResult> results = refused.Parameters.Deserialize(ApiJson.Default.RefusedParameters)!.Results;
                foreach (CheckResult result in results.Where(result => result.Verdict >= Verdict.Refuse))
                {
                    await error.WriteLineAsync($"nvwa: {result}");
                }

                await error.WriteLineAsync("nvwa: nothing was touched");
                return CodeOf(results);
            case NvwaInterface.Usage:
                await error.WriteLineAsync($"nvwa: {TextOf(refused)}");
                return ExitCode.Usage;
            case NvwaInterface.Busy:
                string id = refused.Parameters.Deserialize(ApiJson.Default.BusyParameters)!.Id;
                await error.WriteLineAsync(id.Length > 0
                    ? $"nvwa: update {id} is running; follow it with: nvwa status --wait {id}"
                    : "nvwa: another request is being worked on; try again in a moment");
                return ExitCode.Failed;
            case NvwaInterface.ImagesPending:
                IReadOnlyList<string> pending = refused.Parameters.Deserialize(ApiJson.Default.PendingParameters)!.Workloads;
                await error.WriteLineAsync($"nvwa: saved and not restored: {string.Join(", ", pending)}; 'nvwa init --discard' gives them up");
                return ExitCode.Refused;
            default:
                await error.WriteLineAsync($"nvwa: {(refused.Error == NvwaInterface.Failed ? TextOf(refused) : refused.Error)}");
                return ExitCode.Failed;
        }
    }

    private static string TextOf(VarlinkException refused) => refused.Parameters.Deserialize(ApiJson.Default.Message)!.Text;

    private void Show(Progress progress)
    {
        foreach (CheckResult result in progress.Results?.Where(result => result.Verdict is Verdict.Warn or Verdict.Unknown) ?? [])
        {
            output.WriteLine($"{"",-9}{result.Verdict.ToString().ToLowerInvariant()}: {result}");
        }

        output.WriteLine($"{progress.Phase,-9}{progress.Message}");
    }

    private void Print<T>(T reply, JsonTypeInfo<T> type, bool json, Action text)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(reply, type));
        }
        else
        {
            text();
        }
    }

    private static Task<InitReply> InitOnceAsync(VarlinkClient client, bool discard, CancellationToken cancellation) =>
        OnceAsync(client, "Init", new InitParameters(discard), ApiJson.Default.InitParameters, ApiJson.Default.InitReply, cancellation);

    private static Task<StatusReply> StatusOnceAsync(VarlinkClient client, StatusParameters parameters, CancellationToken cancellation) =>
        OnceAsync(client, "Status", parameters, ApiJson.Default.StatusParameters, ApiJson.Default.StatusReply, cancellation);

    private static async Task<TReply> OnceAsync<TParameters, TReply>(
        VarlinkClient client,
        string verb,
        TParameters parameters,
        JsonTypeInfo<TParameters> parametersType,
        JsonTypeInfo<TReply> replyType,
        CancellationToken cancellation) =>
        await client.CallAsync($"{NvwaInterface.Name}.{verb}", parameters, parametersType, replyType, cancellation).FirstAsync(cancellation);

    private static ExitCode CodeOf(IReadOnlyList<CheckResult> results) => results.Select(result => result.Verdict).DefaultIfEmpty().Max() switch
    {
        Verdict.Invalid => ExitCode.Usage,
        Verdict.Refuse => ExitCode.Refused,
        _ => ExitCode.Done,
    };

    private static ExitCode CodeOf(Outcome outcome) => outcome switch
    {
        Outcome.Updated => ExitCode.Done,
        Outcome.Degraded or Outcome.Interrupted or Outcome.Discarded => ExitCode.Degraded,
        _ => ExitCode.Failed,
    };
}
