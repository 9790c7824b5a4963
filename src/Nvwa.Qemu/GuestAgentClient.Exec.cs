using System.Text;
using System.Text.Json.Nodes;

namespace Nvwa.Qemu;

public sealed partial class GuestAgentClient
{
    private const int SignalBase = 128;

    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs a program in the guest to its end, which for the agent is when nobody holds its output any more.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it may still run.</exception>
    public async Task<GuestCommandResult> RunAsync(
        GuestCommand command, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using var deadline = new Deadline(_clock, timeout, cancellationToken);
        try
        {
            long pid = await StartAsync(command, timeout, deadline.Token);
            return await WaitAsync(pid, timeout, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.Passed)
        {
            string line = string.Join(' ', [command.Path, .. command.Arguments]);
            throw new TimeoutException($"{socketPath}: in the guest, \"{line}\" did not end within {timeout.TotalSeconds:0.#} s");
        }
    }

    private async Task<long> StartAsync(GuestCommand command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject
        {
            ["path"] = command.Path,
            ["arg"] = new JsonArray([.. command.Arguments.Select(argument => JsonValue.Create(argument))]),
            ["capture-output"] = true,
        };
        GuestExecReply reply = await ExecuteAsync(
            "guest-exec", QmpJson.Default.GuestExecReply, arguments, timeout, cancellationToken);
        return reply.Pid;
    }

    // The agent has no event for the end of a program.
    private async Task<GuestCommandResult> WaitAsync(long pid, TimeSpan timeout, CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPoll;
        while (true)
        {
            GuestExecStatusReply status = await ExecuteAsync(
                "guest-exec-status", QmpJson.Default.GuestExecStatusReply, new JsonObject { ["pid"] = pid }, timeout,
                cancellationToken);
            if (status.Exited)
            {
                return new GuestCommandResult(
                    status.Exitcode ?? SignalBase + (status.Signal ?? 0),
                    Text(status.OutData), Text(status.ErrData), status.OutTruncated || status.ErrTruncated);
            }

            await Task.Delay(pause, _clock, cancellationToken);
            pause = pause * 2 < LongestPoll ? pause * 2 : LongestPoll;
        }
    }

    private string Text(string? base64) => base64 is null ? "" : Encoding.UTF8.GetString(Bytes(base64));

    private byte[] Bytes(string base64)
    {
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException e)
        {
            throw new QmpTransportException(socketPath, "the agent sent data that is not base64", e);
        }
    }
}
