namespace Nvwa.Qemu.Tests;

public sealed class QemuCommandLineTests
{
    [Fact]
    public void Sockets_for_QMP_are_those_that_QEMU_itself_makes()
    {
        Assert.Equal(["/run/a"], Line("-qmp unix:/run/a,server=on,wait=off").QmpSockets);
        Assert.Equal(["/run/a"], Line("--qmp-pretty unix:/run/a,server").QmpSockets);
        Assert.Equal(["/run/b"], Line("-chardev socket,id=m,path=/run/b,server=on -mon chardev=m,mode=control").QmpSockets);
        Assert.Equal(["/run/b"], Line("-mon m,mode=control -chardev socket,path=/run/b,id=m").QmpSockets);
        Assert.Empty(Line("-qmp tcp:localhost:4444,server=on").QmpSockets);
        Assert.Empty(Line("-qmp stdio -chardev socket,id=m,path=/run/b -mon chardev=m,mode=readline").QmpSockets);
        // As libvirt has it.
        Assert.Empty(Line("-chardev socket,id=charmonitor,fd=26,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control").QmpSockets);
    }

    [Theory]
    [InlineData("-name web", "web")]
    [InlineData("-name guest=web,debug-threads=on", "web")]
    [InlineData("-name debug-threads=on,guest=web", "web")]
    [InlineData("-nographic", null)]
    public void Its_name_is_that_of_the_guest(string line, string? name) => Assert.Equal(name, Line(line).Name);

    [Theory]
    [InlineData("-netdev tap,id=n,fd=3")]
    [InlineData("-netdev tap,id=n,fds=3:4,vhostfds=5:6")]
    [InlineData("-netdev tap,id=n,ifname=t0,vhost=on,vhostfd=7")]
    [InlineData("""-netdev {"type":"tap","id":"n","fd":"3"}""")]
    [InlineData("-netdev stream,id=n,addr.type=fd,addr.str=7")]
    [InlineData("-chardev socket,id=c,fd=12")]
    [InlineData("-add-fd fd=3,set=2")]
    [InlineData("-object memory-backend-file,id=ram,size=1G,mem-path=/proc/self/fd/5,share=on")]
    [InlineData("-drive file=/dev/fdset/2,if=virtio")]
    [InlineData("""-blockdev {"driver":"file","filename":"/dev/fdset/2","node-name":"d"}""")]
    [InlineData("""-device {"driver":"vhost-vsock-pci","vhostfd":"30"}""")]
    [InlineData("-device vfio-pci,fd=9")]
    [InlineData("-fsdev proxy,id=f,sock_fd=9")]
    public void What_was_opened_by_somebody_else_is_found(string line) => Assert.Equal([line], Line(line).Inherited);

    [Theory]
    [InlineData("-drive file=/x/fd=1,if=virtio")]
    [InlineData("-drive file=/x,,fd=1,if=virtio")]
    [InlineData("-netdev tap,id=n,ifname=fd0,script=no")]
    [InlineData("-netdev user,id=fd1")]
    [InlineData("-chardev socket,id=c,path=/run/fds")]
    [InlineData("-name fd=1")]
    [InlineData("-incoming fd:7")]
    [InlineData("-device virtio-net-pci,netdev=fd3")]
    public void What_only_looks_like_it_is_not(string line) => Assert.Empty(Line(line).Inherited);

    [Fact]
    public void The_kernel_parameters_of_a_guest_name_nothing_of_the_host() =>
        Assert.Empty(new QemuCommandLine(["/q", "-append", "console=ttyS0 fd=3"]).Inherited);

    [Fact]
    public void Devices_with_names_are_told_in_either_form() => Assert.Equal(
        ["d", "n"], Line("""-device virtio-net-pci,id=n -device {"driver":"virtio-blk-pci","id":"d"} -device virtio-rng-pci""").DeviceIds.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("-snapshot", true)]
    [InlineData("-drive file=/x,snapshot=on", true)]
    [InlineData("-drive file=/snapshot,snapshot=off", false)]
    public void Writes_that_are_thrown_away_are_seen(string line, bool expected) => Assert.Equal(expected, Line(line).ThrowsWritesAway);

    [Theory]
    [InlineData("-drive file=/srv/web.qcow2,if=virtio", "/srv/web.qcow2")]
    [InlineData("-drive file=/srv/a,,b.qcow2", "/srv/a,b.qcow2")]
    [InlineData("-hda web.qcow2", "web.qcow2")]
    [InlineData("-drive file=nbd:store:10809:exportname=web", "nbd://store:10809/web")]
    [InlineData("-blockdev driver=nbd,node-name=d,server.type=unix,server.path=/run/nbd.sock", "nbd+unix://?socket=/run/nbd.sock")]
    [InlineData("-drive file=nbd://store/my%20disk", "nbd://store:10809/my disk")]
    [InlineData("-drive file=/srv/ü.raw", """json:{"driver": "throttle", "file": {"driver": "raw", "file": {"driver": "file", "filename": "/srv/\u00FC.raw"}}}""")]
    [InlineData("-blockdev driver=null-co,node-name=d", "null-co://")]
    [InlineData("-blockdev driver=file,node-name=f,filename=/srv/web.raw", """json:{"driver": "throttle", "file": {"driver": "raw", "file": {"driver": "file", "filename": "/srv/web.raw"}}}""")]
    public void Images_that_it_was_started_with_are_known_by_what_it_calls_them(string line, string image) => Assert.True(Line(line).Opens(image));

    [Theory]
    [InlineData("-drive file=/srv/web.qcow2,if=virtio", "/srv/snapshot.qcow2")]
    [InlineData("-drive file=web.qcow2,if=virtio", "snapshot.qcow2")]
    [InlineData("-drive file=/srv/web.qcow2,if=virtio", "/srv/web")]
    [InlineData("-drive file=/srv/web.qcow2,if=virtio", "eb.qcow2")]
    [InlineData("-drive file=nbd://store:10809/web", "nbd://store:10809")]
    [InlineData("-name web -drive file=/srv/a.raw", "nbd://store:10809/web")]
    [InlineData("-drive file=/srv/web.qcow2,if=virtio", "nbd://store:10809/mirror")]
    [InlineData("-drive file=/srv/web.raw", """json:{"driver": "throttle", "file": {"driver": "qcow2", "file": {"driver": "file", "filename": "/srv/snapshot.qcow2"}}}""")]
    public void Others_are_not(string line, string image) => Assert.False(Line(line).Opens(image));

    [Theory]
    [InlineData("-netdev user,id=n", true, false)]
    [InlineData("-nic user", true, false)]
    [InlineData("""-netdev {"type":"user","id":"n"}""", true, false)]
    [InlineData("-netdev type=tap,id=n", false, true)]
    [InlineData("-netdev bridge,id=n", false, true)]
    [InlineData("-netdev socket,id=n", false, false)]
    public void Networks_are_told_apart(string line, bool isUser, bool isTap) => Assert.Equal((isUser, isTap), (Line(line).HasUserNetwork, Line(line).HasTap));

    [Fact]
    public void The_next_QEMU_waits_for_a_state_and_has_nothing_of_how_the_first_one_began() => Assert.Equal(
        ["/q", "-M", "q35,accel=kvm", "-m", "1G", "-machine", "pc-q35-10.0", "-incoming", "defer", "-S"],
        Line("-M q35,accel=kvm -S -m 1G -loadvm old -daemonize -incoming tcp:0:4444 --incoming defer").ForIncoming(null, "pc-q35-10.0", Migration.IncomingArguments).Arguments);

    [Fact]
    public void Another_program_may_take_it_over() =>
        Assert.Equal("/new", Line("-m 1G").ForIncoming("/new", "pc-q35-10.0", Migration.IncomingArguments).Program);

    [Fact]
    public void However_often_it_is_taken_over_the_line_does_not_grow()
    {
        QemuCommandLine once = Line("-machine pc-q35-10.0 -m 1G -machine aux-ram-share=on").ForIncoming(null, "pc-q35-10.0", Migration.IncomingArguments);
        QemuCommandLine thrice = once.ForIncoming(null, "pc-q35-10.0", ["-incoming", "unix:/a", "-incoming", "{}", "-S"]).ForIncoming(null, "pc-q35-10.0", Migration.IncomingArguments);

        Assert.Equal(["/q", "-m", "1G", "-machine", "aux-ram-share=on", "-machine", "pc-q35-10.0", "-incoming", "defer", "-S"], once.Arguments);
        Assert.Equal(once.Arguments, thrice.Arguments);
    }

    [Fact]
    public void A_line_without_arguments_is_one_too() =>
        Assert.Equal(["/q", "-machine", "x", "-S"], new QemuCommandLine(["/q"]).ForIncoming(null, "x", ["-S"]).Arguments);

    private static QemuCommandLine Line(string arguments) => new(["/q", .. arguments.Split(' ')]);
}
