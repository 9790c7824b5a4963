using System.Net.Sockets;

namespace Nvwa.Linux.Tests;

public sealed class SecondNamesTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-names-");

    private string SocketPath => Path.Combine(_directory.FullName, "qmp");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_socket_is_reached_again_after_somebody_else_listened_at_its_path()
    {
        using Socket first = Listen();
        using (var names = SecondNames.Give([SocketPath]))
        {
            File.Delete(SocketPath);
            using (Listen())
            {
            }

            names.PutBack();
        }

        Assert.Equal([SocketPath], Directory.GetFiles(_directory.FullName));
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        using Socket accepted = await first.AcceptAsync();
    }

    [Fact]
    public void Nothing_is_left_of_them_where_nobody_took_the_first()
    {
        using Socket listener = Listen();
        using (var names = SecondNames.Give([SocketPath]))
        {
            names.PutBack();
        }

        Assert.Equal([SocketPath], Directory.GetFiles(_directory.FullName));
    }

    [Fact]
    public void Nothing_is_left_of_them()
    {
        using Socket listener = Listen();
        using (SecondNames.Give([SocketPath]))
        {
            Assert.Equal(2, Directory.GetFiles(_directory.FullName).Length);
        }

        Assert.Equal([SocketPath], Directory.GetFiles(_directory.FullName));
    }

    [Fact]
    public void Those_of_a_killed_process_are_no_obstacle()
    {
        using Socket listener = Listen();
        _ = SecondNames.Give([SocketPath]);

        using var again = SecondNames.Give([SocketPath]);

        Assert.Equal(2, Directory.GetFiles(_directory.FullName).Length);
    }

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen();
        return listener;
    }
}
