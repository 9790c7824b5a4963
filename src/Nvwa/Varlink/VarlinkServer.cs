using System.Net.Sockets;
using System.Text.Json;

namespace Nvwa.Varlink;

/// <summary>
/// Serves varlink on a unix socket: several clients at once, each with one call at a time. A client that says nothing,
/// nonsense or too much, or that goes away, costs its own connection and nothing else.
/// </summary>
internal sealed class VarlinkServer(
    Socket listener, ServiceInfo info, VarlinkInterface offered, Func<Socket, int> peerPid, Action<string> log, TimeProvider? time = null)
{
    /// <summary>A client that has said nothing at all for so long gives its place to another.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(30);

    /// <summary>More clients wait in the backlog.</summary>
    private const int MaxClients = 64;

    private const string ServiceDescription = """
        interface org.varlink.service

        method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)
        method GetInterfaceDescription(interface: string) -> (description: string)

        error InterfaceNotFound (interface: string)
        error MethodNotFound (method: string)
        error MethodNotImplemented (method: string)
        error InvalidParameter (parameter: string)
        error PermissionDenied ()
        error ExpectedMore ()
        """;

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var places = new SemaphoreSlim(MaxClients);
        while (true)
        {
            await places.WaitAsync(cancellation);
            Socket client = await listener.AcceptAsync(cancellation);
            _ = ServeAsync(client, cancellation).ContinueWith(
                _ => places.Release(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellation)
    {
        using var stream = new VarlinkStream(client);
        try
        {
            int pid = peerPid(client);
            VarlinkRequest? request = await FirstAsync(stream, cancellation);
            while (request is not null)
            {
                await AnswerAsync(stream, request, pid, cancellation);
                request = await stream.ReadAsync(VarlinkJson.Default.VarlinkRequest, cancellation);
            }
        }
        catch (Exception broken) when (broken is VarlinkProtocolException or SocketException or ObjectDisposedException)
        {
            log($"a client was dropped: {broken.Message}");
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private async Task<VarlinkRequest?> FirstAsync(VarlinkStream stream, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(MaxSilence, time ?? TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        try
        {
            return await stream.ReadAsync(VarlinkJson.Default.VarlinkRequest, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new VarlinkProtocolException($"it asked nothing within {MaxSilence.TotalSeconds} s");
        }
    }

    private async Task AnswerAsync(VarlinkStream stream, VarlinkRequest request, int pid, CancellationToken cancellation)
    {
        VarlinkReply reply;
        try
        {
            var call = new VarlinkCall(request, pid, parameters => ContinueAsync(stream, request, parameters, cancellation));
            reply = new VarlinkReply(await Find(request.Method)(call, cancellation));
        }
        catch (VarlinkException refused)
        {
            reply = new VarlinkReply(refused.Parameters, Error: refused.Error);
        }
        catch (Exception failed) when (failed is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            log($"{request.Method} failed: {failed}");
            JsonElement failure = JsonSerializer.SerializeToElement(new Failure(failed.Message), VarlinkJson.Default.Failure);
            reply = new VarlinkReply(failure, Error: $"{offered.Name}.Failed");
        }

        if (request.Oneway != true)
        {
            await stream.WriteAsync(reply, VarlinkJson.Default.VarlinkReply, cancellation);
        }
    }

    /// <summary>A caller that went away while its call is worked on does not end the work.</summary>
    private async Task ContinueAsync(VarlinkStream stream, VarlinkRequest request, JsonElement parameters, CancellationToken cancellation)
    {
        if (request.More != true)
        {
            return;
        }

        try
        {
            await stream.WriteAsync(new VarlinkReply(parameters, Continues: true), VarlinkJson.Default.VarlinkReply, cancellation);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            log($"the caller of {request.Method} went away; the work goes on");
        }
    }

    private VarlinkMethod Find(string method)
    {
        int dot = method.LastIndexOf('.');
        (string name, string verb) = dot < 0 ? ("", method) : (method[..dot], method[(dot + 1)..]);
        return (name, verb) switch
        {
            ("org.varlink.service", "GetInfo") => (_, _) => Task.FromResult(JsonSerializer.SerializeToElement(info, VarlinkJson.Default.ServiceInfo)),
            ("org.varlink.service", "GetInterfaceDescription") => (call, _) => Task.FromResult(Describe(call)),
            _ when name != offered.Name && name != "org.varlink.service" =>
                throw VarlinkException.Of("org.varlink.service.InterfaceNotFound", new InterfaceQuery(name), VarlinkJson.Default.InterfaceQuery),
            _ when offered.Methods.TryGetValue(verb, out VarlinkMethod? found) && name == offered.Name => found,
            _ => throw VarlinkException.Of("org.varlink.service.MethodNotFound", new UnknownMethod(verb), VarlinkJson.Default.UnknownMethod),
        };
    }

    private JsonElement Describe(VarlinkCall call)
    {
        InterfaceQuery query = call.Parameters(VarlinkJson.Default.InterfaceQuery);
        string description = query.Interface == offered.Name ? offered.Description
            : query.Interface == "org.varlink.service" ? ServiceDescription
            : throw VarlinkException.Of("org.varlink.service.InterfaceNotFound", query, VarlinkJson.Default.InterfaceQuery);
        return JsonSerializer.SerializeToElement(new InterfaceDescription(description), VarlinkJson.Default.InterfaceDescription);
    }
}
