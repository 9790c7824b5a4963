using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

/// <summary>What this process itself holds, as it is seen from outside.</summary>
public sealed class ProcessHoldingsTests
{
    [Fact]
    public void A_file_has_the_identity_of_its_path_until_it_loses_it()
    {
        using TemporaryDirectory directory = new();
        string path = directory["file"];
        using SafeFileHandle file = Libc.Open(path, Libc.O_RDWR | Libc.O_CREAT, UnixFileMode.UserRead);
        Libc.WriteAll(file, new byte[5000], path);

        OpenFile open = Find(file);
        Assert.Equal((FileType.Regular, 1u, 5000L, path), (open.Identity.Type, open.Identity.Links, open.Identity.Size, open.Path));
        Assert.True(open.Identity.Allocated >= 0);
        Assert.True(open.Identity.IsSameFile(FileIdentity.Of(path)!));
        Assert.True(open.CanRead && open.CanWrite);

        File.Delete(path);
        open = Find(file);
        Assert.Equal((0u, path), (open.Identity.Links, open.Path));
        Assert.Null(FileIdentity.Of(path));
    }

    [Fact]
    public void Directories_are_among_what_is_held() => Assert.Equal(
        [("/", "root directory"), (Environment.CurrentDirectory, "working directory")],
        OpenFile.Of(Environment.ProcessId).Where(file => file.Descriptor.Fd < 0).Select(file => (file.Path, file.Where)).Order());

    [Fact]
    public void A_socket_has_the_name_of_its_protocol()
    {
        using Socket tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using Socket unix = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

        Assert.Equal("TCP", Find(tcp.SafeHandle).Protocol);
        Assert.Equal("UNIX", Find(unix.SafeHandle).Protocol);
        Assert.Equal(FileType.Socket, Find(tcp.SafeHandle).Identity.Type);
    }

    [Fact]
    public void A_device_has_its_number()
    {
        using SafeFileHandle device = Libc.Open("/dev/zero", Libc.O_RDONLY);

        OpenFile open = Find(device);
        Assert.Equal((FileType.CharacterDevice, new DeviceNumber(1, 5)), (open.Identity.Type, open.Identity.Special));
        Assert.False(open.CanWrite);
    }

    [Fact]
    public void Details_are_those_of_the_kind()
    {
        using SafeFileHandle file = Libc.Open("/dev/zero", Libc.O_RDONLY);

        Assert.Equal("0", Find(file).Detail("pos"));
        Assert.Null(Find(file).Detail("clockid"));
        Assert.False(Find(file).IsMessageQueue);
    }

    [Theory]
    [InlineData(SystemVKind.Shm, "         0         23  1600                  4096   101   102      0     0     0     0     0  0  0  0  0 0", 23, new[] { 101, 102 })]
    [InlineData(SystemVKind.Msg, "  1364283393          7   600         16          1   201     0     0     0     0     0 1700000000 0 1700000000", 7, new[] { 201 })]
    [InlineData(SystemVKind.Msg, "         0         24  1600          0          0     0     0     0     0     0     0          0          0 1700000000", 24, new int[0])]
    public void A_System_V_object_has_its_users(SystemVKind kind, string line, int id, int[] users)
    {
        SystemVObject found = SystemVObject.Parse(kind, line)!;

        Assert.Equal((kind, id), (found.Kind, found.Id));
        Assert.Equal(users, found.Users);
    }

    [Theory]
    [InlineData("")]
    [InlineData("       key      shmid perms                  size  cpid  lpid nattch")]
    public void What_is_no_System_V_object_is_passed_over(string line) => Assert.Null(SystemVObject.Parse(SystemVKind.Shm, line));

    [Fact]
    public void Mappings_name_the_library_that_everybody_has()
    {
        Mapping library = Mapping.Of(Environment.ProcessId).First(mapping => mapping.IsExecutable && mapping.Target.EndsWith("libc.so.6", StringComparison.Ordinal));

        Assert.False(library.IsShared);
        Assert.Equal(FileIdentity.Of(library.Target)!.Inode, library.Inode);
        Assert.True(library.End > library.Start);
        Assert.True(Glibc.VersionOf(library.Target) > new Version(2, 17));
        Assert.Null(Glibc.VersionOf("/etc/hostname"));
        Assert.Null(Glibc.VersionOf("/no/such/file"));
    }

    [Theory]
    [InlineData("7f00-7f10 rw-s 00000000 00:01 4711                       /dev/zero (deleted)", true, "/dev/zero (deleted)", 4711ul)]
    [InlineData("7f00-7f10 r-xp 00000000 fd:02 12 /a path with  blanks", false, "/a path with  blanks", 12ul)]
    [InlineData("7f00-7f10 rw-p 00000000 00:00 0 ", false, "", 0ul)]
    public void A_line_of_maps_is_read(string line, bool isShared, string target, ulong inode)
    {
        Mapping mapping = Mapping.Parse(1, line)!;

        Assert.Equal((0x7f00ul, 0x7f10ul, isShared, target, inode), (mapping.Start, mapping.End, mapping.IsShared, mapping.Target, mapping.Inode));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7f00 rw-p 0 00:00 0")]
    [InlineData("7f00-7f10 rw 0 00:00 0")]
    [InlineData("7f00-7f10 rw-p 0 0000 0")]
    public void Lines_of_another_shape_are_no_mappings(string line) => Assert.Null(Mapping.Parse(1, line));

    [Theory]
    [InlineData("1: POSIX  ADVISORY  WRITE 568 fd:02:1234 0 EOF", "POSIX", false, 568)]
    [InlineData("1: -> FLOCK  ADVISORY  WRITE 569 fd:02:1234 0 EOF", "FLOCK", true, 569)]
    [InlineData("2: OFDLCK ADVISORY  READ -1 fd:02:1234 0 EOF", "OFDLCK", false, -1)]
    public void A_line_of_locks_is_read(string line, string kind, bool isWaiting, int pid) =>
        Assert.Equal(new FileLock(kind, isWaiting, pid, new DeviceNumber(0xFD, 2), 1234), FileLock.Parse(line));

    [Theory]
    [InlineData("")]
    [InlineData("1: LEASE  ACTIVE    READ  568")]
    public void Lines_of_another_shape_are_no_locks(string line) => Assert.Null(FileLock.Parse(line));

    [Theory]
    [InlineData("[none] integrity confidentiality", "none")]
    [InlineData("none [integrity] confidentiality", "integrity")]
    [InlineData("", null)]
    public void The_level_of_lockdown_stands_in_brackets(string text, string? level) => Assert.Equal(level, Lockdown.Selected(text));

    [Fact]
    public void A_configuration_tells_built_in_and_modules_from_what_is_off()
    {
        var configuration = KernelConfiguration.Parse("x", ["# CONFIG_C is not set", "CONFIG_A=y", "CONFIG_B=m", "CONFIG_D=\"a=b\"", "", "CONFIG_"]);

        Assert.True(configuration.Has("A") && configuration.Has("B"));
        Assert.False(configuration.Has("C") || configuration.Has("D"));
    }

    private static OpenFile Find(System.Runtime.InteropServices.SafeHandle handle) =>
        OpenFile.Of(Environment.ProcessId).Single(file => file.Descriptor.Fd == (int)handle.DangerousGetHandle());
}
