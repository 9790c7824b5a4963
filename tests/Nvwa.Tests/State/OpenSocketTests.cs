using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Tests.Checks;

namespace Nvwa.Tests.State;

/// <summary>Sockets of a real process, which are given to new ones of another.</summary>
public sealed class OpenSocketTests
{
    private static readonly HashSet<long> None = [];

    private const string NewNetwork = "libc.unshare(0x40000000); os.system('ip link set lo up multicast on')";

    [Fact]
    public async Task What_CRIU_leaves_out_is_found_and_set_again()
    {
        using TemporaryDirectory directory = new();
        using Holder old = await Holder.StartAsync(
            $"""
            {NewNetwork}
            plain = socket.create_server(('127.0.0.1', 0)); plain6 = socket.create_server(('::1', 0), family=socket.AF_INET6)
            ends = [(socket.create_connection(each.getsockname()[:2]), each.accept()) for each in (plain, plain6)]
            t = socket.create_server(('127.0.0.1', 0)); t.setsockopt(6, 18, 12345)
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.setsockopt(0, 33, 5); u.setsockopt(0, 35, socket.inet_aton('239.66.0.1') + socket.inet_aton('127.0.0.1'))
            v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); v.setsockopt(41, 67, 16); v.setsockopt(41, 20, socket.inet_pton(socket.AF_INET6, 'ff15::66') + bytes([1, 0, 0, 0]))
            """);
        IReadOnlyList<OpenSocket> found = OpenSocket.Of([old.Pid], None, None);
        OpenSocket.Write(directory.Path, found);
        // The same descriptors, with nothing set.
        using Holder restored = await Holder.StartAsync(
            $"""
            {NewNetwork}
            plain = socket.create_server(('127.0.0.1', 0)); plain6 = socket.create_server(('::1', 0), family=socket.AF_INET6)
            ends = [(socket.create_connection(each.getsockname()[:2]), each.accept()) for each in (plain, plain6)]
            t = socket.create_server(('127.0.0.1', 0))
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            """);
        List<string> warnings = [];

        foreach (OpenSocket socket in OpenSocket.Read(directory.Path))
        {
            (socket with { Pid = restored.Pid }).Restore(warnings.Add);
        }

        Assert.Equal(3, found.Count);
        Assert.Empty(warnings);
        Assert.Equal(Shape(found), Shape(OpenSocket.Of([restored.Pid], None, None)));
        Assert.Equal(["lo", "lo"], found.SelectMany(socket => socket.Groups).Select(group => group.Interface));
    }

    [Fact]
    public async Task Of_a_socket_that_CRIU_does_not_make_its_options_are_found_too()
    {
        // SO_KEEPALIVE and TCP_NODELAY, SO_PASSCRED, IPV6_RECVPKTINFO.
        const string Sockets = "t = socket.create_server(('127.0.0.1', 0)); l = socket.socket(socket.AF_UNIX); l.bind(''); l.listen(); u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)";
        using Holder old = await Holder.StartAsync($"{Sockets}\nt.setsockopt(1, 9, 1); t.setsockopt(6, 1, 1); l.setsockopt(1, 16, 1); u.setsockopt(41, 49, 1)");
        using Holder restored = await Holder.StartAsync(Sockets);
        IReadOnlyList<OpenSocket> found = OpenSocket.Of([old.Pid], None, All(old.Pid));

        foreach (OpenSocket socket in found)
        {
            (socket with { Pid = restored.Pid }).Restore(line => Assert.Fail(line));
        }

        Assert.Empty(OpenSocket.Of([old.Pid], None, None));
        Assert.Equal([2, 1, 1], found.Select(socket => socket.Options.Count));
        Assert.Equal(Shape(found), Shape(OpenSocket.Of([restored.Pid], None, All(restored.Pid))));
    }

    [Fact]
    public async Task A_connection_whose_peer_is_left_behind_ends()
    {
        using Holder kept = await Holder.StartAsync("s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); a, _ = s.accept()");
        Descriptor last = ProcFs.Descriptors(kept.Pid).Last(descriptor => descriptor.SocketInode is not null);

        OpenSocket left = Assert.Single(OpenSocket.Of([kept.Pid], new HashSet<long> { last.SocketInode!.Value }, None));
        left.Restore(line => Assert.Fail(line));

        using SafeFileHandle process = Pidfd.Open(kept.Pid)!;
        using SafeFileHandle duplicate = Pidfd.Descriptor(process, left.Fd)!;
        using Socket socket = new(new SafeSocketHandle(duplicate.DangerousGetHandle(), ownsHandle: false));
        Assert.Equal(0, socket.Receive(new byte[1]));
    }

    [Fact]
    public void Images_of_an_earlier_nvwa_have_none()
    {
        using TemporaryDirectory directory = new();

        Assert.Empty(OpenSocket.Read(directory.Path));
    }

    private static HashSet<long> All(int pid) => [.. ProcFs.Descriptors(pid).Select(descriptor => descriptor.SocketInode).OfType<long>()];

    private static IEnumerable<string> Shape(IEnumerable<OpenSocket> sockets) =>
        sockets.Select(socket => $"{socket.Fd}: {string.Join(' ', socket.Options)} {string.Join(' ', socket.Groups)} {socket.PeerEnds}");
}
