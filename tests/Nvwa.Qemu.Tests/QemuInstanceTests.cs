using System.Net;
using System.Net.Sockets;

namespace Nvwa.Qemu.Tests;

public sealed class QemuInstanceTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-listen-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Where_it_listens_is_seen()
    {
        string path = Path.Combine(_directory.FullName, "qmp");
        using var local = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        local.Bind(new UnixDomainSocketEndPoint(path));
        local.Listen();
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        using var notListening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        notListening.Bind(new UnixDomainSocketEndPoint(path + ".2"));
        var us = new QemuInstance(null!, Environment.ProcessId, new QemuCommandLine(["/q"]), null!, null!);

        Assert.Contains($"{port.LocalEndpoint}", us.Ports);
        Assert.Contains(path, us.SocketPaths);
        Assert.DoesNotContain(path + ".2", us.SocketPaths);
    }
}
