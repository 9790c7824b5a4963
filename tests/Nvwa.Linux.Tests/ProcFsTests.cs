using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

public sealed class ProcFsTests
{
    [Fact]
    public void The_kernel_describes_itself()
    {
        Assert.Matches(@"^\d+\.\d+", ProcFs.KernelRelease);
        Assert.NotEqual(Guid.Empty, ProcFs.BootId);
        Assert.False(ProcFs.CommandLine.EndsWith('\n'));
        Assert.True(ProcFs.PidMax > 300);
    }

    [Fact]
    public void We_find_ourselves()
    {
        int pid = Environment.ProcessId;
        ProcessInfo? process = ProcFs.Read(pid);

        Assert.NotNull(process);
        Assert.Contains(pid, ProcFs.Pids());
        Assert.Contains(pid, process.Threads);
        Assert.True(process.Threads.Count > 1);
        Assert.Equal(Environment.ProcessPath, process.Exe);
        Assert.Equal(Credentials.EffectiveUser, process.Uid);
        Assert.False(process.IsKernelThread);
        Assert.Equal(0, process.TracerPid);
        Assert.True(process.StartTicks > 0);
        Assert.StartsWith("/", process.ControlGroup, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_thread_is_one_and_has_no_program()
    {
        ProcessInfo? thread = ProcFs.Pids().Select(ProcFs.Read).FirstOrDefault(each => each?.Comm == "kthreadd");

        Assert.NotNull(thread);
        Assert.True(thread.IsKernelThread);
        Assert.Null(thread.Exe);
        Assert.Empty(ProcFs.Descriptors(thread.Pid));
    }

    [Fact]
    public async Task A_name_with_brackets_is_read_whole()
    {
        using TemporaryDirectory directory = new();
        string program = directory["a) R (b 1 2"];
        // A copy of ours would be open for writing in whatever another test is just starting, and could not be executed (ETXTBSY).
        using (ChildProcess copy = Spawn.Start(new SpawnRequest("cp", ["/bin/sleep", program])))
        {
            await copy.WaitAsync(CancellationToken.None);
        }

        using ChildProcess child = Spawn.Start(new SpawnRequest(program, ["600"]));
        ProcessInfo? process = ProcFs.Read(child.Pid);
        child.Kill();
        await child.WaitAsync(CancellationToken.None);

        Assert.NotNull(process);
        Assert.Equal("a) R (b 1 2", process.Comm);
        Assert.Equal(Environment.ProcessId, process.ParentPid);
        Assert.Equal(program, process.Exe);
    }

    [Fact]
    public async Task A_zombie_is_seen_and_a_reaped_process_is_not()
    {
        using ChildProcess child = Spawn.Start(new SpawnRequest("true", []));
        await Pidfd.WaitAsync(child.Pidfd, CancellationToken.None);
        Assert.Equal('Z', ProcFs.Read(child.Pid)?.State);

        await child.WaitAsync(CancellationToken.None);
        Assert.Null(ProcFs.Read(child.Pid));
        Assert.Empty(ProcFs.Descriptors(child.Pid));
        Assert.Empty(ProcFs.Tree(child.Pid));
        Assert.Empty(FileSystems.Mounts(child.Pid));
        Assert.Empty(SocketTable.Read(child.Pid).Inet);
    }

    [Fact]
    public void A_descriptor_has_target_position_flags_and_mount()
    {
        using TemporaryDirectory directory = new();
        string path = directory["file"];
        using SafeFileHandle file = Libc.Open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_APPEND, UnixFileMode.UserRead);
        Libc.WriteAll(file, "12345"u8, path);
        Descriptor descriptor = ProcFs.Descriptors(Environment.ProcessId)
            .Single(each => each.Fd == (int)file.DangerousGetHandle());

        Assert.Equal(path, descriptor.Target);
        Assert.Equal(5, descriptor.Position);
        Assert.Equal(Libc.O_RDWR | Libc.O_APPEND | Libc.O_CLOEXEC, descriptor.Flags & 0x80FFF);
        Assert.Equal(FileSystems.MountOf(path).Id, descriptor.MountId);
        Assert.Null(descriptor.SocketInode);
    }

    [Fact]
    public async Task A_tree_has_parents_before_children()
    {
        using var pair = SeqPacketPair.Create();
        using ChildProcess child = Spawn.Start(new SpawnRequest(
            "sh", ["-c", "sh -c 'echo $$ >&3; sleep 600 & wait' 3>&3 & wait"])
        {
            Inherit = [new(pair.Theirs, 3)],
            Family = SpawnFamily.OwnGroup,
        });
        byte[] buffer = new byte[32];
        int length = await pair.Ours.ReceiveAsync(buffer);
        int grandchild = int.Parse(buffer.AsSpan(0, length), CultureInfo.InvariantCulture);

        IReadOnlyList<int> tree = ProcFs.Tree(child.Pid);
        child.KillGroup();
        await child.WaitAsync(CancellationToken.None);

        Assert.Equal([child.Pid, grandchild], tree.Take(2));
    }

    /// <summary>The root's is called /, and has all processes.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_unit_without_a_control_group_has_no_processes(string? none) => Assert.Empty(ProcFs.PidsOfControlGroup(none));

    [Fact]
    public async Task A_control_group_has_its_processes_and_those_of_the_groups_in_it()
    {
        string name = $"nvwa-test-{Environment.ProcessId}";
        string root = ProcFs.ControlGroupRoot() ?? throw new InvalidOperationException("No unified hierarchy.");
        string directory = Path.Join(root, name);
        Directory.CreateDirectory(Path.Join(directory, "inner"));
        using ChildProcess first = Spawn.Start(new SpawnRequest("sleep", ["600"]));
        using ChildProcess second = Spawn.Start(new SpawnRequest("sleep", ["600"]));
        await File.WriteAllTextAsync(Path.Join(directory, "cgroup.procs"), $"{first.Pid}");
        await File.WriteAllTextAsync(Path.Join(directory, "inner", "cgroup.procs"), $"{second.Pid}");

        IReadOnlyList<int> pids = ProcFs.PidsOfControlGroup("/" + name);
        string? controlGroup = ProcFs.Read(second.Pid)?.ControlGroup;
        first.Kill();
        second.Kill();
        await first.WaitAsync(CancellationToken.None);
        await second.WaitAsync(CancellationToken.None);
        Directory.Delete(Path.Join(directory, "inner"));
        Directory.Delete(directory);

        Assert.Equal([first.Pid, second.Pid], pids);
        Assert.EndsWith($"/{name}/inner", controlGroup, StringComparison.Ordinal);
        Assert.Empty(ProcFs.PidsOfControlGroup("/" + name));
    }
}
