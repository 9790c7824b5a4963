using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>
/// libsystemd looks into the C library's environment, which the runtime's own copy does not change; so does the test.
/// </summary>
public sealed partial class SystemdNotifyTests : IDisposable
{
    private const string Variable = "NOTIFY_SOCKET";

    private readonly string _directory = Directory.CreateTempSubdirectory("nvwa-notify-").FullName;

    public SystemdNotifyTests() => Assert.Equal(0, unsetenv(Variable));

    public void Dispose()
    {
        Assert.Equal(0, unsetenv(Variable));
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Without_a_socket_nobody_is_notified()
    {
        Assert.False(Notify.Send("STATUS=nobody hears this"));
        Assert.False(Notify.Barrier(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void What_is_sent_arrives_as_one_message()
    {
        using Socket manager = Listen();

        Assert.True(Notify.Send("READY=1\nMAINPID=4711"));

        Assert.Equal("READY=1\nMAINPID=4711", Receive(manager));
    }

    [Fact]
    public async Task A_barrier_passes_when_the_manager_has_read_it_and_not_before()
    {
        using Socket manager = Listen();
        LinuxException early = Assert.Throws<LinuxException>(() => Notify.Barrier(TimeSpan.FromMilliseconds(100)));
        Assert.Equal(Errno.ETIMEDOUT, early.Errno);
        Assert.Equal("BARRIER=1", Receive(manager));

        Task<bool> barrier = Task.Run(() => Notify.Barrier(TimeSpan.FromSeconds(30)));

        // Reading without room for descriptors closes the one that came along, which is the sign.
        Assert.Equal("BARRIER=1", Receive(manager));
        Assert.True(await barrier);
    }

    [Fact]
    public void A_socket_that_is_gone_is_an_errno()
    {
        Assert.Equal(0, setenv(Variable, $"{_directory}/nobody", 1));

        LinuxException failure = Assert.Throws<LinuxException>(() => Notify.Send("READY=1"));

        Assert.Equal(Errno.ENOENT, failure.Errno);
    }

    private Socket Listen()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"{_directory}/notify"));
        Assert.Equal(0, setenv(Variable, $"{_directory}/notify", 1));
        return socket;
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int unsetenv(string name);
}
