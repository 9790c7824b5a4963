using System.Net;
using System.Net.Sockets;
using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Linux;
using Nvwa.State;
using Nvwa.Update;

namespace Nvwa.Tests.Checks;

/// <summary>What is between a workload and others, with real processes on both sides.</summary>
public sealed class WorkloadChecksTests
{
    [Fact]
    public async Task A_process_that_shares_nothing_passes_every_check_but_the_pipes_to_its_test()
    {
        using Holder holder = await Holder.StartAsync("for fd in (2,): os.dup2(null, fd)");

        Assert.All(
            new IWorkloadCheck[] { new NamespacesCheck(), new ControlGroupsCheck(), new TracerCheck(), new MappingsCheck(), new SharedMemoryCheck(), new LocksCheck(), new SystemVCheck(), new LibraryCheck(), new MemoryCheck(), new UnixConnectionsCheck() },
            check => Assert.Equal(Verdict.Pass, Assert.Single(holder.Asked(check)).Verdict));
    }

    [Fact]
    public async Task Namespaces_of_its_own_are_refused_by_name()
    {
        using Holder holder = await Holder.StartAsync("libc.unshare(0x40000000)");

        CheckResult refusal = Assert.Single(holder.Asked(new NamespacesCheck()));

        Assert.Equal(Verdict.Refuse, refusal.Verdict);
        Assert.Contains("has net namespaces", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("run it as a service", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_to_somebody_else_is_refused_and_he_is_named()
    {
        using Holder holder = await Holder.StartAsync("os.dup2(null, 2)");

        IReadOnlyList<CheckResult> results = holder.Asked(new PipesCheck());

        Assert.Equal([Verdict.Refuse, Verdict.Refuse], results.Select(result => result.Verdict));
        Assert.All(results, result => Assert.Contains($"process {Environment.ProcessId} (", result.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pipe_within_the_tree_is_none_of_these()
    {
        using Holder holder = await Holder.StartAsync("[keep(fd) for fd in os.pipe()]\nif os.fork() == 0:\n    os.dup2(null, 0); os.dup2(null, 1); os.dup2(null, 2)\n    signal.pause()");

        Assert.DoesNotContain(holder.Asked(new PipesCheck()), result => result.Reason.Contains("descriptor 4", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mmap.mmap(-1, 4096)")]
    [InlineData("libc.shmat(libc.shmget(0x6e767761 ^ os.getpid(), 4096, 0o1600), None, 0)")]
    public async Task Memory_that_somebody_else_maps_too_is_refused(string memory)
    {
        // The child leaves the tree: its parent ends, and PID 1 takes it.
        using TemporaryDirectory directory = new();
        using Holder holder = await Holder.StartAsync($$"""
            libc.shmat.restype = ctypes.c_void_p
            m = {{memory}}
            for segment in open('/proc/sysvipc/shm').readlines()[1:]:
                if int(segment.split()[0]) & 0xffffffff == 0x6e767761 ^ os.getpid(): libc.shmctl(int(segment.split()[1]), 0, None)
            if os.fork() == 0:
                if os.fork() == 0:
                    open('{{directory["pid"]}}', 'w').write(str(os.getpid()))
                    r, _, _ = select.select([0], [], [])
                    os._exit(0)
                os._exit(0)
            os.wait()
            while not os.path.exists('{{directory["pid"]}}') or not open('{{directory["pid"]}}').read(): time.sleep(0.01)
            """);

        CheckResult refusal = Assert.Single(holder.Asked(new SharedMemoryCheck()));

        Assert.Equal(Verdict.Refuse, refusal.Verdict);
        Assert.Contains($"process {await File.ReadAllTextAsync(directory["pid"])} (", refusal.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s = socket.create_server(('127.0.0.1', 0))", Verdict.Pass)]
    [InlineData("s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))", Verdict.Pass)]
    [InlineData("s = socket.socket(socket.AF_UNIX); s.bind(''); s.listen()", Verdict.Pass)]
    [InlineData("l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); s, _ = l.accept(); l.close()", Verdict.Refuse)]
    [InlineData("s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM)", Verdict.Refuse)]
    public async Task A_socket_that_systemd_holds_too_is_kept_if_it_waits_for_anybody(string script, Verdict verdict)
    {
        // The child stands for systemd.
        using Holder holder = await Holder.StartAsync(script + "\nif os.fork() == 0: signal.pause()");
        var processes = ProcessTable.Read();
        KeptWorkload workload = holder.Workload(processes);

        IReadOnlyList<CheckResult> results = CheckList.Run(Hosts.With(workload.Tree.Members[1].Pid, processes, workload), [], [new SocketActivationCheck()]);

        Assert.All(results, result => Assert.Equal(verdict, result.Verdict));
    }

    [Fact]
    public async Task System_V_memory_of_its_own_gets_an_IPC_namespace()
    {
        using Holder holder = await Holder.StartAsync(
            "i = libc.shmget(0, 4096, 0o1600); libc.shmat.restype = ctypes.c_void_p; libc.shmat(i, None, 0); libc.shmctl(i, 0, None)");

        Assert.Equal(Verdict.Pass, Assert.Single(holder.Asked(new MappingsCheck())).Verdict);
        Assert.True(holder.Workload(ProcessTable.Read()).SharesSystemV(Environment.ProcessId));
    }

    [Theory]
    [InlineData("-m", "i = libc.shmget(0, 4096, 0o1600)")]
    [InlineData("-s", "i = libc.semget(0, 2, 0o1600); libc.semctl(i, 1, 16, 7)")]
    [InlineData("-q", "i = libc.msgget(0, 0o1600); libc.msgsnd(i, bytes([1]) + bytes(15), 8, 0)")]
    public async Task System_V_objects_that_a_process_uses_get_an_IPC_namespace(string option, string script)
    {
        using TemporaryDirectory directory = new();
        using Holder holder = await Holder.StartAsync($"{script}; open('{directory["id"]}', 'w').write(str(i))");
        string id = await File.ReadAllTextAsync(directory["id"]);

        bool shares = holder.Workload(ProcessTable.Read()).SharesSystemV(Environment.ProcessId);
        CheckResult said = Assert.Single(holder.Asked(new SystemVCheck()));
        Run("ipcrm", option, id);

        Assert.True(shares);
        Assert.Equal(Verdict.Pass, said.Verdict);
        Assert.False(holder.Workload(ProcessTable.Read()).SharesSystemV(Environment.ProcessId));
    }

    [Fact]
    public async Task In_an_IPC_namespace_of_its_own_all_System_V_objects_are_its()
    {
        using Holder holder = await Holder.StartAsync("libc.unshare(0x08000000); libc.semget(0, 2, 0o1600)");
        KeptWorkload workload = holder.Workload(ProcessTable.Read());

        Assert.Equal(SystemVKind.Sem, Assert.Single(workload.SystemV).Kind);
        Assert.False(workload.SharesSystemV(Environment.ProcessId));
    }

    [Fact]
    public async Task A_message_queue_that_somebody_else_uses_too_is_refused()
    {
        using TemporaryDirectory directory = new();
        using Holder kept = await Holder.StartAsync($"i = libc.msgget(0, 0o1600); libc.msgsnd(i, bytes([1]) + bytes(15), 8, 0); open('{directory["id"]}', 'w').write(str(i))");
        string id = await File.ReadAllTextAsync(directory["id"]);
        using Holder other = await Holder.StartAsync($"libc.msgrcv({id}, ctypes.create_string_buffer(16), 8, 0, 0)");

        CheckResult refusal = Assert.Single(kept.Asked(new SystemVCheck()));
        Run("ipcrm", "-q", id);

        Assert.Equal(Verdict.Refuse, refusal.Verdict);
        Assert.Contains($"queue {id} is used by process {other.Pid} (python3", refusal.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4.1.1", Verdict.Warn)]
    [InlineData("4.2", Verdict.Pass)]
    public async Task Memory_that_a_child_finds_empty_needs_a_CRIU_that_knows_it(string criu, Verdict verdict)
    {
        const string WipeOnFork = "18";
        using Holder holder = await Holder.StartAsync($"m = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m.madvise({WipeOnFork})");
        var processes = ProcessTable.Read();
        HostFacts plain = Hosts.With(processes, holder.Workload(processes));
        HostFacts host = new() { Restore = plain.Restore, Server = plain.Server, Criu = new(new Version(criu), null, null), Processes = processes, Workloads = plain.Workloads };

        CheckResult result = Assert.Single(CheckList.Run(host, [], [new WipedMemoryCheck()]));

        Assert.Equal(verdict, result.Verdict);
        Assert.Equal(verdict == Verdict.Warn, result.Reason.Contains($"process {holder.Pid} has memory that its children are to find empty", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_terminal_is_given_back_to_the_leader_of_its_session_only()
    {
        using Holder shell = await Holder.StartAsync("leader, master = os.forkpty()\nif leader == 0: signal.pause()");
        using Holder job = await Holder.StartAsync("leader, master = os.forkpty()\nif leader == 0: os.fork(); os.write(1, b'x'); signal.pause()\nos.read(master, 1); os.read(master, 1)");

        Assert.Equal(Verdict.Pass, Assert.Single(shell.Asked(new ControllingTerminalCheck())).Verdict);
        CheckResult lost = Assert.Single(job.Asked(new ControllingTerminalCheck()));

        Assert.Equal(Verdict.Warn, lost.Verdict);
        Assert.Contains("will have no controlling terminal", lost.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64 << 10, Verdict.Warn, "replaced or removed on disk")]
    [InlineData(3 << 20, Verdict.Refuse, "more than 1 MiB")]
    public async Task A_library_that_was_replaced_on_disk_is_told(int size, Verdict verdict, string said)
    {
        using TemporaryDirectory directory = new();
        string library = directory["library.so"];
        using Holder holder = await Holder.StartAsync($"""
            f = open('{library}', 'wb+'); f.write(b'x' * {size}); f.flush()
            m = mmap.mmap(f.fileno(), {size}, mmap.MAP_PRIVATE)
            f.close()
            """);
        AtomicFile.Write(library, "new");

        CheckResult result = Assert.Single(holder.Asked(new MappingsCheck()));

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(library, result.Reason, StringComparison.Ordinal);
        Assert.Contains(said, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_traced_process_is_refused_with_its_tracer()
    {
        // The parent of the two traces the workload; 0x4206 is PTRACE_SEIZE.
        using Holder tracer = await Holder.StartAsync("""
            child = os.fork()
            if child == 0:
                os.setsid()
                signal.pause()
            libc.ptrace(0x4206, child, 0, 0)
            """);
        var processes = ProcessTable.Read();
        int child = processes.All.Single(process => process.ParentPid == tracer.Pid).Pid;

        CheckResult refusal = Assert.Single(CheckList.Run(Hosts.With(processes, tracer.Workload(processes)), [], [new TracerCheck()]));
        Kill(child);

        Assert.Equal(Verdict.Refuse, refusal.Verdict);
        Assert.Contains($"process {child} is traced by process {tracer.Pid} (python3", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unix_connection_to_another_process_is_refused_with_its_name()
    {
        using TemporaryDirectory directory = new();
        using Holder server = await Holder.StartAsync($"s = socket.socket(socket.AF_UNIX); s.bind('{directory["server"]}'); s.listen()\nif os.fork() == 0:\n    a, _ = s.accept(); a.send(b'x'); signal.pause()");
        using Holder client = await Holder.StartAsync($"c = socket.socket(socket.AF_UNIX); c.connect('{directory["server"]}'); c.recv(1)");
        var processes = ProcessTable.Read();
        HostFacts host = With(processes, client.Workload(processes), await UnixPeers.ReadAsync(CancellationToken.None));

        CheckResult refusal = Assert.Single(CheckList.Run(host, [], [new UnixConnectionsCheck()]));

        Assert.Equal(Verdict.Refuse, refusal.Verdict);
        Assert.Contains($"unix stream connection to {directory["server"]} of process ", refusal.Reason, StringComparison.Ordinal);
        Assert.Contains("(python3", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unix_connection_that_the_other_process_has_not_accepted_is_refused_as_well()
    {
        using TemporaryDirectory directory = new();
        using Holder server = await Holder.StartAsync($"s = socket.socket(socket.AF_UNIX); s.bind('{directory["server"]}'); s.listen()");
        using Holder client = await Holder.StartAsync($"c = socket.socket(socket.AF_UNIX); c.connect('{directory["server"]}')");
        var processes = ProcessTable.Read();
        IReadOnlyList<UnixPeer> peers = await UnixPeers.ReadAsync(CancellationToken.None);

        foreach ((Holder kept, Holder other) in ((Holder, Holder)[])[(client, server), (server, client)])
        {
            CheckResult refusal = Assert.Single(CheckList.Run(With(processes, kept.Workload(processes), peers), [], [new UnixConnectionsCheck()]));
            Assert.Equal(Verdict.Refuse, refusal.Verdict);
            Assert.Contains($"of process {other.Pid} (python3", refusal.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_TCP_connection_to_a_process_of_the_host_that_is_not_kept_is_a_warning()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        using Holder client = await Holder.StartAsync($"c = socket.create_connection(('127.0.0.1', {((IPEndPoint)other.LocalEndpoint).Port}))");
        using Socket accepted = await other.AcceptSocketAsync();

        CheckResult warning = Assert.Single(client.Asked(new ConnectionsCheck()));

        Assert.Equal(Verdict.Warn, warning.Verdict);
        Assert.Contains($"{other.LocalEndpoint} of this host, which is not kept", warning.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_TCP_connection_between_kept_processes_is_kept()
    {
        using Holder both = await Holder.StartAsync("s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); a = s.accept()");

        Assert.Equal(Verdict.Pass, Assert.Single(both.Asked(new ConnectionsCheck())).Verdict);
    }

    [Fact]
    public async Task A_TCP_connection_that_is_not_accepted_is_a_warning()
    {
        using Holder server = await Holder.StartAsync("s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname())");

        Assert.Contains(server.Asked(new ConnectionsCheck()), warning => warning.Verdict == Verdict.Warn && warning.Reason.Contains("has not accepted a connection to 127.0.0.1:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_by_packets_breaks_as_well()
    {
        using TemporaryDirectory directory = new();
        using Holder server = await Holder.StartAsync(
            $"s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind('{directory["server"]}'); s.listen()\nif os.fork() == 0:\n    a, _ = s.accept(); a.send(b'x'); signal.pause()");
        using Holder client = await Holder.StartAsync($"c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); c.connect('{directory["server"]}'); c.recv(1)");
        var processes = ProcessTable.Read();
        HostFacts host = With(processes, client.Workload(processes), await UnixPeers.ReadAsync(CancellationToken.None));

        Assert.Equal(Verdict.Refuse, Assert.Single(CheckList.Run(host, [], [new UnixConnectionsCheck()])).Verdict);
    }

    [Theory]
    [InlineData("pair = socket.socketpair(); libc.unshare(0x40000000)", true)]
    [InlineData("libc.unshare(0x40000000); pair = socket.socketpair()", false)]
    public async Task A_socket_that_leads_out_of_its_network_namespace_is_refused(string script, bool leadsOut)
    {
        using Holder holder = await Holder.StartAsync(script);
        var processes = ProcessTable.Read();
        KeptWorkload plain = holder.Workload(processes);
        KeptWorkload workload = new(plain.Workload with { Sandbox = ["net"] }, plain.Tree);
        HostFacts host = With(processes, workload, await UnixPeers.ReadAsync(holder.Pid, CancellationToken.None));

        CheckResult result = Assert.Single(CheckList.Run(host, [], [new UnixConnectionsCheck()]));

        Assert.Equal(leadsOut ? Verdict.Refuse : Verdict.Pass, result.Verdict);
        Assert.Equal(leadsOut, result.ToString().Contains("leads out of its network namespace", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/etc/systemd/system/a.service", "/etc/systemd/system/a.service.d/b.conf", false, Verdict.Pass, "as systemd has read them")]
    [InlineData("/run/systemd/generator/a.service", "/run/systemd/generator.late/a.service.d/b.conf", false, Verdict.Pass, "as systemd has read them")]
    [InlineData("/usr/lib/systemd/system/a.service", "/etc/systemd/system/a.service.d/b.conf", true, Verdict.Warn, "changed on disk")]
    [InlineData("/run/systemd/transient/a.service", "/etc/systemd/system/a.service.d/b.conf", false, Verdict.Refuse, "gone after the boot")]
    [InlineData("/usr/lib/systemd/system/a.service", "/run/systemd/system.control/a.service.d/b.conf", false, Verdict.Warn, "b.conf is gone after the boot")]
    public async Task What_the_boot_does_not_find_as_it_is_of_a_unit_is_told(string fragment, string dropIn, bool isOutdated, object verdict, string said)
    {
        using Holder holder = await Holder.StartAsync("");
        var processes = ProcessTable.Read();
        KeptWorkload plain = holder.Workload(processes);
        KeptWorkload workload = new(plain.Workload, plain.Tree) { UnitFiles = new UnitFiles(fragment, [dropIn], isOutdated) };

        CheckResult result = Assert.Single(CheckList.Run(Hosts.With(processes, workload), [], [new UnitFilesCheck()]));

        Assert.Equal((Verdict)verdict, result.Verdict);
        Assert.Contains(said, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_others_lock_too_is_a_warning()
    {
        using TemporaryDirectory directory = new();
        string take = $"f = open('{directory["file"]}', 'a'); fcntl.flock(f, fcntl.LOCK_SH)";
        using Holder kept = await Holder.StartAsync(take);
        Assert.Equal(Verdict.Pass, Assert.Single(kept.Asked(new LocksCheck())).Verdict);
        using Holder other = await Holder.StartAsync(take);

        CheckResult warning = Assert.Single(kept.Asked(new LocksCheck()));

        Assert.Equal(Verdict.Warn, warning.Verdict);
        Assert.Contains($"process {other.Pid}", warning.Reason, StringComparison.Ordinal);
        Assert.Contains(directory["file"], warning.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", Verdict.Warn)]
    [InlineData("r", Verdict.Pass)]
    public async Task A_file_that_somebody_else_writes_too_is_a_warning(string mode, Verdict verdict)
    {
        using TemporaryDirectory directory = new();
        using Holder kept = await Holder.StartAsync($"f = open('{directory["log"]}', 'a')");
        using Holder other = await Holder.StartAsync($"f = open('{directory["log"]}', '{mode}')");

        CheckResult result = Assert.Single(kept.Asked(new WritersCheck()));

        Assert.Equal(verdict, result.Verdict);
        Assert.Equal(verdict == Verdict.Warn, result.Reason.Contains($"process {other.Pid} (python3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_process_whose_session_has_another_leader_is_refused()
    {
        using Holder holder = await Holder.StartAsync("child = os.fork()\nif child == 0:\n    signal.pause()");
        var processes = ProcessTable.Read();
        ProcessTree tree = processes.Tree(processes.All.Single(process => process.ParentPid == holder.Pid).Pid)!;
        var workload = new KeptWorkload(Updates.Job with { MainPid = tree.Root.Pid, Numbers = tree.Numbers }, tree);

        IReadOnlyList<CheckResult> results = CheckList.Run(Hosts.With(processes, workload), [], [new NumbersCheck()]);
        Kill(tree.Root.Pid);

        Assert.Contains(results, result => result.Verdict == Verdict.Refuse && result.Reason.Contains($"session {holder.Pid}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/", "")]
    [InlineData("/var/lib/data", "var-lib-data")]
    [InlineData("/srv/a-b c", "srv-a\\x2db\\x20c")]
    [InlineData("/.hidden/x.y", "\\x2ehidden-x.y")]
    public void Mount_points_are_escaped_as_systemd_does(string path, string unit) => Assert.Equal(unit, MountsCheck.Escape(path));

    [Theory]
    [InlineData("etc/systemd/system/srv-data.mount", true)]
    [InlineData("run/systemd/generator/srv-data.mount", true)]
    [InlineData("run/systemd/generator/srv.mount", false)]
    public void A_mount_comes_back_if_a_unit_says_so(string file, bool comesBack)
    {
        using TemporaryDirectory root = new();
        Directory.CreateDirectory(Path.GetDirectoryName(root[file])!);
        AtomicFile.Write(root[file], "");

        Assert.Equal(comesBack, MountsCheck.IsMountedAtBoot(root.Path, "/srv/data"));
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static void Kill(int pid)
    {
        using var process = System.Diagnostics.Process.GetProcessById(pid);
        process.Kill();
    }

    private static HostFacts With(ProcessTable processes, KeptWorkload workload, IReadOnlyList<UnixPeer> peers)
    {
        HostFacts plain = Hosts.With(processes, workload);
        return new HostFacts { Restore = plain.Restore, Server = plain.Server, Criu = plain.Criu, Processes = processes, Workloads = plain.Workloads, Peers = peers };
    }
}
