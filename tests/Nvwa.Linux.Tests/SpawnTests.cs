using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux.Tests;

public sealed class SpawnTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Output_error_and_code_of_a_program_are_a_result()
    {
        SpawnResult result = await ShellAsync("echo out; echo err >&2; exit 3");

        Assert.Equal(new SpawnResult(3, "out\n", "err\n"), result);
    }

    [Fact]
    public async Task A_signal_is_128_and_its_number() => Assert.Equal(137, (await ShellAsync("kill -9 $$")).ExitCode);

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        LinuxException exception = await Assert.ThrowsAsync<LinuxException>(
            () => Spawn.RunAsync(new SpawnRequest("/no/such", []), Long, CancellationToken.None));

        Assert.Equal((Errno.ENOENT, "/no/such"), (exception.Errno, exception.Subject));
    }

    [Fact]
    public async Task A_child_has_three_descriptors_and_its_input_is_null()
    {
        using FileStream ours = File.OpenRead("/proc/self/stat");

        SpawnResult result = await ShellAsync("readlink /proc/$$/fd/0; ls /proc/$$/fd");

        Assert.Equal("/dev/null\n0\n1\n2\n", result.Output);
    }

    [Fact]
    public async Task Started_without_more_all_three_are_null()
    {
        (SafeFileHandle reader, SafeFileHandle writer) = Libc.Pipe();
        using (reader)
        using (writer)
        {
            using ChildProcess child = Spawn.Start(new SpawnRequest(
                "sh", ["-c", "x=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$x\" >/proc/self/fd/7"])
            {
                Inherit = [new(writer, 7)],
            });
            writer.Dispose();

            Assert.Equal("/dev/null\n/dev/null\n/dev/null\n", await ReadAllAsync(reader));
            Assert.Equal(0, await child.WaitAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task No_signal_is_ignored_or_blocked_in_a_child()
    {
        SpawnResult result = await ShellAsync("grep -E 'SigIgn|SigBlk' /proc/self/status | grep -v 0000000000000000");

        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task Two_descriptors_can_change_places()
    {
        using SafeFileHandle first = Libc.MemoryFile("first", "1"u8);
        using SafeFileHandle second = Libc.MemoryFile("second", "2"u8);
        int firstNumber = (int)first.DangerousGetHandle();
        int secondNumber = (int)second.DangerousGetHandle();

        SpawnResult result = await ShellAsync(
            $"cat /proc/self/fd/{firstNumber} /proc/self/fd/{secondNumber}",
            new InheritedDescriptor(first, secondNumber),
            new InheritedDescriptor(second, firstNumber));

        Assert.Equal("21", result.Output);
    }

    [Fact]
    public async Task A_descriptor_can_keep_its_number()
    {
        using SafeFileHandle file = Libc.MemoryFile("file", "x"u8);
        int number = (int)file.DangerousGetHandle();

        SpawnResult result = await ShellAsync($"cat /proc/self/fd/{number}", new InheritedDescriptor(file, number));

        Assert.Equal("x", result.Output);
    }

    [Fact]
    public async Task Descriptors_between_those_given_are_closed()
    {
        using SafeFileHandle file = Libc.MemoryFile("file", "x"u8);

        SpawnResult result = await ShellAsync("ls /proc/$$/fd", new InheritedDescriptor(file, 200));

        Assert.Equal("0\n1\n2\n200\n", result.Output);
    }

    [Fact]
    public void One_number_cannot_be_given_twice()
    {
        using SafeFileHandle file = Libc.MemoryFile("file", "x"u8);

        Assert.Throws<ArgumentException>(() => Spawn.Start(
            new SpawnRequest("true", []) { Input = new byte[1], Inherit = [new(file, 0)] }));
    }

    [Fact]
    public async Task Input_is_read_from_its_start()
    {
        byte[] input = new byte[300_000];
        Array.Fill(input, (byte)'a');

        SpawnResult result = await Spawn.RunAsync(
            new SpawnRequest("cat", []) { Input = input }, Long, CancellationToken.None);

        Assert.Equal(new string('a', input.Length), result.Output);
        Assert.False(result.IsCut);
    }

    [Fact]
    public async Task Output_above_the_limit_is_dropped_and_does_not_block()
    {
        SpawnResult result = await Spawn.RunAsync(
            new SpawnRequest("head", ["-c", "1000000", "/dev/zero"]) { OutputLimit = 10 }, Long, CancellationToken.None);

        Assert.Equal((0, 10, true), (result.ExitCode, result.Output.Length, result.IsCut));
    }

    [Fact]
    public async Task The_environment_is_ours_unless_given()
    {
        Assert.Contains("PATH=", (await ShellAsync("env")).Output, StringComparison.Ordinal);

        SpawnResult result = await Spawn.RunAsync(
            new SpawnRequest("/usr/bin/env", []) { Environment = new Dictionary<string, string> { ["A"] = "b c" } },
            Long,
            CancellationToken.None);

        Assert.Equal("A=b c\n", result.Output);
    }

    [Fact]
    public async Task A_child_starts_in_its_directory()
    {
        SpawnResult result = await Spawn.RunAsync(
            new SpawnRequest("pwd", []) { WorkingDirectory = "/proc" }, Long, CancellationToken.None);

        Assert.Equal("/proc\n", result.Output);
    }

    [Fact]
    public async Task At_the_deadline_the_child_and_its_children_are_killed()
    {
        (SafeFileHandle reader, SafeFileHandle writer) = Libc.Pipe();
        using (reader)
        using (writer)
        {
            SpawnRequest request = new("sh", ["-c", "sleep 600 & wait"]) { Inherit = [new(writer, 3)] };

            LinuxException exception = await Assert.ThrowsAsync<LinuxException>(
                () => Spawn.RunAsync(request, Short, CancellationToken.None));

            Assert.Equal(Errno.ETIMEDOUT, exception.Errno);
            writer.Dispose();
            Assert.Equal("", await ReadAllAsync(reader));
        }
    }

    [Fact]
    public async Task Cancelled_the_child_is_killed()
    {
        using CancellationTokenSource source = new();
        Task<SpawnResult> run = Spawn.RunAsync(new SpawnRequest("sleep", ["600"]), Long, source.Token);
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task A_daemon_left_behind_does_not_hold_the_result()
    {
        SpawnResult result = await ShellAsync("sleep 600 & echo $!");

        int daemon = int.Parse(result.Output.Trim(), System.Globalization.CultureInfo.InvariantCulture);
        using SafeFileHandle? pidfd = Pidfd.Open(daemon);
        Assert.NotNull(pidfd);
        Assert.True(Pidfd.Kill(pidfd));
        await Pidfd.WaitAsync(pidfd, CancellationToken.None);
    }

    [Theory]
    [InlineData(SpawnFamily.Ours)]
    [InlineData(SpawnFamily.OwnGroup)]
    [InlineData(SpawnFamily.OwnSession)]
    public async Task A_child_is_of_the_family_it_was_given(SpawnFamily family)
    {
        ProcessInfo? us = ProcFs.Read(Environment.ProcessId);
        using ChildProcess child = Spawn.Start(new SpawnRequest("sleep", ["600"]) { Family = family });
        ProcessInfo? process = ProcFs.Read(child.Pid);

        Assert.NotNull(us);
        Assert.NotNull(process);
        Assert.Equal(family == SpawnFamily.Ours ? us.ProcessGroup : child.Pid, process.ProcessGroup);
        Assert.Equal(family == SpawnFamily.OwnSession ? child.Pid : us.Session, process.Session);
        Assert.True(child.Kill());
        Assert.Equal(137, await child.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Many_children_at_once_all_end()
    {
        SpawnResult[] results = await Task.WhenAll(Enumerable.Range(0, 50).Select(each => ShellAsync($"echo {each}")));

        Assert.Equal(Enumerable.Range(0, 50).Select(each => $"{each}\n"), results.Select(result => result.Output));
    }

    private static Task<SpawnResult> ShellAsync(string script, params InheritedDescriptor[] inherit) => Spawn.RunAsync(
        new SpawnRequest("sh", ["-c", script]) { Inherit = inherit }, Long, CancellationToken.None);

    private static async Task<string> ReadAllAsync(SafeFileHandle pipe)
    {
        using StreamReader reader = new(new FileStream(pipe, FileAccess.Read));
        return await reader.ReadToEndAsync().WaitAsync(Long);
    }
}
