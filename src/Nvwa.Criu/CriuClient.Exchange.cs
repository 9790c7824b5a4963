using Nvwa.Criu.Protocol;

namespace Nvwa.Criu;

/// <content>One request, its notifications and its reply.</content>
public sealed partial class CriuClient
{
    /// <summary>A request on its way.</summary>
    private sealed record Call(CriuOperation Operation, Request Request, TimeSpan Deadline)
    {
        public string? LogPath { get; init; }

        public CriuScriptHandler? OnScript { get; init; }
    }

    /// <summary>The first refusal of a handler during one call.</summary>
    private sealed record Refusal(CriuScript Script, Exception Error);

    private async Task<Response> PerformAsync(Call call, CancellationToken cancellationToken)
    {
        Enter(call);
        try
        {
            using CancellationTokenSource expiry = new(call.Deadline, _options.TimeProvider);
            using var either =
                CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, expiry.Token);
            return await ExchangeAsync(call, either.Token);
        }
        catch (OperationCanceledException error) when (cancellationToken.IsCancellationRequested)
        {
            Break(new(call.Operation, CriuTransportFailure.Cancelled, "the request was cancelled", error));
            throw;
        }
        catch (OperationCanceledException error)
        {
            throw Break(new(
                call.Operation,
                CriuTransportFailure.DeadlineExceeded,
                $"CRIU did not finish {call.Operation} within {call.Deadline}",
                error));
        }
        catch (CriuTransportException error)
        {
            throw Break(error);
        }
        catch (ObjectDisposedException error)
        {
            const string Disposed = "the client was disposed during the request";
            throw Break(new(call.Operation, CriuTransportFailure.Cancelled, Disposed, error));
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    private async Task<Response> ExchangeAsync(Call call, CancellationToken cancellationToken)
    {
        await _connection.SendAsync(call.Operation, call.Request, cancellationToken);
        Refusal? refusal = null;
        while (true)
        {
            Response response = await _connection.ReceiveAsync(call.Operation, cancellationToken);
            if (response.Type != RequestType.Notify)
            {
                return Accept(call, response, refusal);
            }

            Refusal? refused = await AskAsync(call, response, cancellationToken);
            refusal ??= refused;
            Request answer = new() { Type = RequestType.Notify, NotifySuccess = refused is null };
            await _connection.SendAsync(call.Operation, answer, cancellationToken);
        }
    }

    /// <summary>Puts one of CRIU's moments to the handler.</summary>
    /// <returns>Null for yes.</returns>
    private static async Task<Refusal?> AskAsync(Call call, Response response, CancellationToken cancellationToken)
    {
        if (call.OnScript is null || response.Notify is null || !response.Notify.HasScript)
        {
            const string Unasked = "CRIU sent a notification nobody asked for";
            throw new CriuTransportException(call.Operation, CriuTransportFailure.UnexpectedReply, Unasked);
        }

        string name = response.Notify.Script;
        CriuScript script = Words.Script(name);
        int? pid = response.Notify.HasPid ? response.Notify.Pid : null;
        try
        {
            await call.OnScript(new CriuNotification(script, name, pid), cancellationToken);
            return null;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // Whatever the handler throws is its "no"; it reaches the caller as the inner exception.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return new Refusal(script, error);
        }
    }

    private static Response Accept(Call call, Response response, Refusal? refusal)
    {
        if (!response.Success)
        {
            // A refusal of the request as such comes under type EMPTY.
            throw new CriuException(
                call.Operation,
                response.ErrorNumber,
                response.HasErrorMessage ? response.ErrorMessage : null,
                call.LogPath,
                refusal?.Error);
        }

        if (response.Type != call.Request.Type)
        {
            throw new CriuTransportException(
                call.Operation,
                CriuTransportFailure.UnexpectedReply,
                $"CRIU answered {call.Request.Type} with {response.Type}");
        }

        return refusal is null
            ? response
            : throw new CriuScriptException(call.Operation, refusal.Script, response.Restore?.Pid, refusal.Error);
    }

    private void Enter(Call call)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_broken is not null)
        {
            throw new CriuTransportException(call.Operation, _broken.Failure, _broken.Message, _broken);
        }

        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("a request is under way on this connection");
        }

        if (_spentBy != CriuOperation.None)
        {
            Volatile.Write(ref _busy, 0);
            throw new InvalidOperationException($"this CRIU has served {_spentBy} and ended; start another one");
        }

        if (!call.Request.KeepOpen)
        {
            _spentBy = call.Operation;
        }
    }

    /// <summary>The one fatal path. The first reason wins.</summary>
    private CriuTransportException Break(CriuTransportException reason)
    {
        _broken ??= reason;
        _connection.Dispose();
        return _broken;
    }

    private CriuTransportException Lacks(Call call, string what) => Break(new(
        call.Operation,
        CriuTransportFailure.Malformed,
        $"CRIU's answer to {call.Operation} lacks {what}"));
}
