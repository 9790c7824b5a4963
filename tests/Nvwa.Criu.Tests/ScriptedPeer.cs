using System.Net.Sockets;
using Google.Protobuf;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

/// <summary>A CRIU that does what a test says, in real bytes over a real socket pair.</summary>
internal sealed class ScriptedPeer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Socket _socket;

    private ScriptedPeer(SafeSocketHandle socket)
    {
        _socket = new Socket(socket);
    }

    public static (CriuClient Client, ScriptedPeer Peer) Connect(CriuClientOptions? options = null)
    {
        (SafeSocketHandle ours, SafeSocketHandle theirs) = SocketPair.Create();
        return (new CriuClient(ours, options), new ScriptedPeer(theirs));
    }

    public async Task<Request> ReceiveAsync()
    {
        using CancellationTokenSource expiry = new(Patience);
        byte[] buffer = new byte[64 * 1024];
        int length = await _socket.ReceiveAsync(buffer, SocketFlags.None, expiry.Token);
        Assert.NotEqual(0, length);
        return Request.Parser.ParseFrom(buffer, 0, length);
    }

    /// <summary>True once the client has closed its end.</summary>
    public async Task<bool> SeesHangUpAsync()
    {
        using CancellationTokenSource expiry = new(Patience);
        return await _socket.ReceiveAsync(new byte[16], SocketFlags.None, expiry.Token) == 0;
    }

    public Task SendAsync(Response response) => SendBytesAsync(response.ToByteArray());

    public async Task SendBytesAsync(byte[] packet)
    {
        using CancellationTokenSource expiry = new(Patience);
        await _socket.SendAsync(packet, SocketFlags.None, expiry.Token);
    }

    /// <summary>Asks at a moment and returns the client's answer.</summary>
    public async Task<bool> NotifyAsync(string script, int? pid = null)
    {
        Notification notification = new() { Script = script };
        if (pid is int known)
        {
            notification.Pid = known;
        }

        await SendAsync(new Response { Type = RequestType.Notify, Success = true, Notify = notification });
        Request answer = await ReceiveAsync();
        Assert.Equal(RequestType.Notify, answer.Type);
        Assert.True(answer.HasNotifySuccess);
        return answer.NotifySuccess;
    }

    public Task SucceedAsync(RequestType type) => SendAsync(new Response { Type = type, Success = true });

    public Task SucceedWithAsync(int pid) => SendAsync(new Response
    {
        Type = RequestType.Restore,
        Success = true,
        Restore = new RestoreReply { Pid = pid },
    });

    /// <summary>As when the process dies.</summary>
    public void Die() => _socket.Dispose();

    public void Dispose() => _socket.Dispose();
}
