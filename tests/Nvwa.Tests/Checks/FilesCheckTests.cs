using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Linux;

namespace Nvwa.Tests.Checks;

/// <summary>Each kind of descriptor, in a real process.</summary>
public sealed class FilesCheckTests
{
    [Theory]
    [InlineData("keep(os.open('/etc/hostname', os.O_RDONLY))", "file")]
    [InlineData("keep(os.open('/etc', os.O_RDONLY))", "directory")]
    [InlineData("os.chroot('/usr'); os.chdir('/')", "directory")]
    [InlineData("keep(os.open('/proc/self/status', os.O_RDONLY))", "kernel file")]
    [InlineData("keep(os.open('/proc/uptime', os.O_RDONLY))", "kernel file")]
    [InlineData("keep(os.open('/dev/urandom', os.O_RDONLY))", "null, zero or random device")]
    [InlineData("keep(os.open('/var/tmp', os.O_TMPFILE | os.O_RDWR))", "file without a name")]
    [InlineData("f = tempfile.NamedTemporaryFile(dir='/dev/shm')", "file in memory")]
    [InlineData("os.chdir('/dev/shm')", "directory in memory")]
    [InlineData("keep(libc.memfd_create(b'x', 0))", "memfd")]
    [InlineData("[keep(fd) for fd in os.pipe()]", "pipe")]
    [InlineData("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()", "TCP socket")]
    [InlineData("s = socket.socket(socket.AF_INET6)", "TCP socket")]
    [InlineData("s = socket.socket(type=socket.SOCK_DGRAM)", "UDP socket")]
    [InlineData("s = socket.socket(socket.AF_UNIX)", "unix socket")]
    [InlineData("s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)", "unix socket")]
    [InlineData("s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "raw socket")]
    [InlineData("s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "packet socket")]
    [InlineData("keep(libc.eventfd(0, 0))", "eventfd")]
    [InlineData("e = select.epoll()", "epoll")]
    [InlineData("keep(libc.timerfd_create(1, 0))", "timerfd")]
    [InlineData("t = libc.timerfd_create(1, 0); libc.timerfd_settime(t, 0, (1).to_bytes(8, 'little') + bytes(8) + (9).to_bytes(8, 'little') + bytes(8), None)", "timerfd")]
    [InlineData("t = libc.timerfd_create(1, 0); libc.timerfd_settime(t, 1, bytes(16) + (1 << 40).to_bytes(8, 'little') + bytes(8), None)", "timerfd")]
    [InlineData("t = libc.timerfd_create(0, 0); libc.timerfd_settime(t, 0, bytes(16) + (9).to_bytes(8, 'little') + bytes(8), None)", "timerfd")]
    [InlineData("keep(libc.signalfd(-1, ctypes.create_string_buffer(128), 0))", "signalfd")]
    [InlineData("keep(libc.inotify_init())", "inotify")]
    [InlineData("keep(os.pidfd_open(os.getpid()))", "pidfd")]
    public async Task What_CRIU_dumps_is_counted(string script, string name)
    {
        using Holder holder = await Holder.StartAsync(script);

        CheckResult result = Assert.Single(holder.Asked(new FilesCheck()));

        Assert.Equal(Verdict.Pass, result.Verdict);
        Assert.Matches($@"(^|, )\d+ {name}", result.Reason);
    }

    [Theory]
    [InlineData("s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)", "multipath TCP", "GODEBUG")]
    [InlineData("s = socket.socket(socket.AF_VSOCK)", "family or protocol", "close it")]
    [InlineData("keep(libc.syscall(425, 8, ctypes.create_string_buffer(256)))", "io_uring", "innodb_use_native_aio=0")]
    [InlineData("keep(libc.syscall(323, 0x80001))", "userfaultfd", "close it")]
    [InlineData("a = ctypes.create_string_buffer((1).to_bytes(4, 'little') + (128).to_bytes(4, 'little'), 128); keep(libc.syscall(298, a, 0, -1, -1, 0))", "perf event", "measurement")]
    [InlineData("keep(libc.syscall(447, 0))", "hides", "close it")]
    [InlineData("keep(os.pidfd_open(os.getppid()))", "process that is not kept", "close it")]
    [InlineData("keep(os.open('/proc/1/status', os.O_RDONLY))", "process that is not kept", "close it")]
    [InlineData("keep(os.open('/dev/net/tun', os.O_RDWR))", "tun", "close it")]
    [InlineData("p = os.pipe2(os.O_DIRECT)", "pipe of packets", "close it")]
    [InlineData("keep(os.eventfd(3, os.EFD_SEMAPHORE))", "counts as a semaphore", "close it")]
    [InlineData("n = b'/nvwa-test-%d' % os.getpid(); keep(libc.mq_open(n, os.O_CREAT | os.O_RDWR, 0o600, None)); libc.mq_unlink(n)", "POSIX message queue", "close it")]
    [InlineData("f = os.open('/var/tmp', os.O_TMPFILE | os.O_RDWR); os.write(f, b'x' * (3 << 20))", "more than 1 MiB", "restart")]
    [InlineData("p = tempfile.mkdtemp(dir='/var/tmp'); f = os.open(p + '/a', os.O_CREAT); os.link(p + '/a', p + '/b'); os.unlink(p + '/a')", "another name is left", "restart")]
    public async Task What_CRIU_does_not_dump_is_refused_by_descriptor_with_a_remedy(string script, string reason, string remedy)
    {
        using Holder holder = await Holder.StartAsync(script);

        CheckResult refusal = Assert.Single(holder.Asked(new FilesCheck()), result => result.Verdict == Verdict.Refuse);

        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
        Assert.Contains($"of process {holder.Pid} (", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal($"{holder.Pid}", refusal.Subject);
    }

    [Theory]
    [InlineData("s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "netlink", "not reported")]
    [InlineData("keep(libc.fanotify_init(0, 0))", "fanotify", "marks")]
    [InlineData("m, s = os.openpty(); keep(m); keep(s)", "pseudo terminal", "must be free")]
    [InlineData("t = libc.timerfd_create(0, 0); libc.timerfd_settime(t, 1, bytes(16) + (1 << 40).to_bytes(8, 'little') + bytes(8), None)", "timerfd", "time of day")]
    [InlineData("m, s = os.openpty(); os.close(m); keep(s)", "hung up terminal", "must be free")]
    public async Task What_is_kept_on_a_condition_is_a_warning(string script, string name, string condition)
    {
        using Holder holder = await Holder.StartAsync(script);

        IReadOnlyList<CheckResult> results = holder.Asked(new FilesCheck());
        CheckResult warning = Assert.Single(results, result => result.Verdict == Verdict.Warn);

        Assert.Contains(name, warning.Reason + results[^1].Reason, StringComparison.Ordinal);
        Assert.Contains(condition, warning.Reason, StringComparison.Ordinal);
        Assert.Equal(Verdict.Pass, results[^1].Verdict);
    }

    [Fact]
    public async Task A_file_whose_name_was_taken_by_another_is_refused()
    {
        using TemporaryDirectory directory = new();
        AtomicFile.Write(directory["below"], "x");
        using Holder holder = await Holder.StartAsync(
            $"f = os.open('{directory["below"]}', os.O_RDONLY); os.link('{directory["below"]}', '{directory["spare"]}')");
        File.Move(directory["spare"], directory["below.old"]);
        AtomicFile.Write(directory["below"], "y");

        CheckResult refusal = Assert.Single(holder.Asked(new FilesCheck()), result => result.Verdict == Verdict.Refuse);

        Assert.Contains(directory["below"], refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_whose_other_end_somebody_else_has_is_refused()
    {
        // Who has it leaves the tree: his parent ends, and PID 1 takes him.
        using Holder holder = await Holder.StartAsync("""
            m, s = os.openpty()
            if os.fork() == 0:
                if os.fork() == 0:
                    select.select([0], [], [])
                os._exit(0)
            os.wait()
            os.close(m)
            """);

        CheckResult refusal = Assert.Single(holder.Asked(new FilesCheck()), result => result.Verdict == Verdict.Refuse);

        Assert.Contains("is a terminal that does not come back", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("setsid", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_of_a_kind_are_one_line()
    {
        using Holder holder = await Holder.StartAsync("u = [keep(libc.syscall(323, 0x80001)) for _ in range(3)]");

        CheckResult refusal = Assert.Single(holder.Asked(new FilesCheck()), result => result.Verdict == Verdict.Refuse);

        Assert.Contains("(and 2 more like it)", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_a_row_for_every_kind_and_a_remedy_for_every_refusal() => Assert.All(
        Enum.GetValues<ResourceKind>().Select(Techniques.Of),
        technique =>
        {
            Assert.NotEqual(Keeping.None, technique.Keeping);
            Assert.True(technique.Keeping == Keeping.Kept || (technique.Why is not null && technique.Remedy is not null), technique.Name);
        });

    [Fact]
    public void Every_kind_has_a_name_of_its_own() =>
        Assert.Distinct(Enum.GetValues<ResourceKind>().Select(kind => Techniques.Of(kind).Name));
}
