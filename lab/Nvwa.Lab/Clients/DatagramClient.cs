using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>A UDP socket of the outside that asks and waits for the answer.</summary>
public sealed class DatagramClient : IDisposable
{
    private const int MaxBytes = 64 << 10;

    private readonly Socket _socket;

    private DatagramClient(Socket socket) => _socket = socket;

    public IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    /// <param name="network">The outside.</param>
    /// <param name="local">Where it is bound, and where its multicast goes out.</param>
    public static async Task<DatagramClient> BindAsync(LabNetwork network, IPAddress local)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(local);
        Socket socket = await network.CreateSocketAsync(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(local, 0));
        return new DatagramClient(socket);
    }

    /// <summary>The answer, whoever sends it.</summary>
    /// <exception cref="LabException">None came.</exception>
    public async Task<string> AskAsync(IPEndPoint peer, string question, TimeSpan timeout)
    {
        byte[] buffer = new byte[MaxBytes];
        _ = await _socket.SendToAsync(Encoding.ASCII.GetBytes(question), SocketFlags.None, peer);
        using var deadline = new CancellationTokenSource(timeout);
        try
        {
            int count = await _socket.ReceiveAsync(buffer, SocketFlags.None, deadline.Token);
            return Encoding.ASCII.GetString(buffer, 0, count);
        }
        catch (OperationCanceledException)
        {
            throw new LabException(string.Create(CultureInfo.InvariantCulture, $"{peer} did not answer \"{question}\" in {timeout.TotalSeconds} s"));
        }
    }

    public void Dispose() => _socket.Dispose();
}
