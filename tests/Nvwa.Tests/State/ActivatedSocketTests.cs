using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Tests.Checks;

namespace Nvwa.Tests.State;

/// <summary>Two processes with the same sockets: one stands for systemd, and the other for the service.</summary>
public sealed class ActivatedSocketTests
{
    private const string Listen =
        """
        libc.unshare(0x40000000); os.system('ip link set lo up')
        s = [socket.socket(), socket.socket(socket.AF_INET6), socket.socket(type=socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)]
        s[0].bind(('127.0.0.1', 4711)); s[1].bind(('::1', 4712)); s[2].bind(('127.0.0.1', 4711)); s[3].bind('\0nvwa-tests')
        [each.listen() for each in s if each.type == socket.SOCK_STREAM]

        """;

    [Fact]
    public async Task The_new_systemd_has_another_one_at_the_same_address()
    {
        using TemporaryDirectory directory = new();
        using Holder service = await Holder.StartAsync(Listen + "s[0].setblocking(False)\nif os.fork() == 0: own = socket.create_server(('127.0.0.1', 0)); signal.pause()");
        using Holder systemd = await Holder.StartAsync("[os.pipe() for _ in range(9)]; " + Listen.Trim().ReplaceLineEndings("\n"));
        int old = ProcFs.Tree(service.Pid)[1];

        ActivatedSocket.Write(directory.Path, ActivatedSocket.Of([service.Pid], old));
        IReadOnlyList<ActivatedSocket> saved = ActivatedSocket.Read(directory.Path);
        IReadOnlyList<SafeFileHandle> opened = ActivatedSocket.Open(saved, systemd.Pid);

        Assert.Equal(["127.0.0.1:4711", "[::1]:4712", "127.0.0.1:4711", "@nvwa-tests"], saved.Select(socket => socket.Words));
        Assert.Equal(ProcFs.Descriptors(systemd.Pid).Select(descriptor => descriptor.SocketInode).OfType<long>(), opened.Select(Inode));
        // It is one open file with systemd's.
        Assert.Equal([true, false, false, false], ProcFs.Descriptors(systemd.Pid).Where(descriptor => descriptor.SocketInode is not null).Select(IsNonblocking));
        Assert.All(opened, socket => socket.Dispose());
    }

    [Fact]
    public async Task One_of_several_at_one_address_cannot_be_told_from_the_others()
    {
        using Holder service = await Holder.StartAsync(
            """
            libc.unshare(0x40000000); os.system('ip link set lo up')
            s = [socket.create_server(('127.0.0.1', port), reuse_port=True) for port in (4711, 4712, 4711)]
            if os.fork() == 0: signal.pause()
            s[2].close()
            """);

        IReadOnlyList<ActivatedSocket> sockets = ActivatedSocket.Of([service.Pid], ProcFs.Tree(service.Pid)[1]);

        Assert.Equal([("127.0.0.1:4711", true), ("127.0.0.1:4712", false)], sockets.Select(socket => (socket.Words, socket.IsOneOfSeveral)));
    }

    [Fact]
    public async Task One_that_systemd_has_not_is_named()
    {
        using Holder service = await Holder.StartAsync(Listen + "if os.fork() == 0: signal.pause()");
        using Holder systemd = await Holder.StartAsync("s = socket.create_server(('127.0.0.1', 0))");

        InvalidDataException missing = Assert.Throws<InvalidDataException>(() => ActivatedSocket.Open(ActivatedSocket.Of([service.Pid], ProcFs.Tree(service.Pid)[1]), systemd.Pid));

        Assert.Contains("127.0.0.1:4711", missing.Message, StringComparison.Ordinal);
    }

    private static long Inode(SafeFileHandle socket) =>
        ProcFs.Descriptors(Environment.ProcessId).First(descriptor => descriptor.Fd == (int)socket.DangerousGetHandle()).SocketInode!.Value;

    private static bool IsNonblocking(Descriptor descriptor) => (descriptor.Flags & 0x800) != 0;
}
