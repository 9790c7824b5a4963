using System.Diagnostics;
using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Planning;
using Nvwa.Update;

namespace Nvwa.Tests.Checks;

/// <summary>
/// A real process that holds something: a python script that leads a session, says "ready" (or a word of its own) and then
/// sleeps. It ends with the test and takes its children along, whatever happens to that: its input is a pipe from here.
/// </summary>
internal sealed class Holder : IDisposable
{
    private const string Prologue = """
        import ctypes, fcntl, mmap, os, select, signal, socket, sys, tempfile, time
        libc = ctypes.CDLL(None, use_errno=True)
        os.closerange(3, 4096)
        null = os.open("/dev/null", os.O_RDWR)
        def keep(fd):
            if fd < 0: sys.exit("errno %d" % ctypes.get_errno())
            os.set_inheritable(fd, True)
            return fd

        """;

    private const string Epilogue = """

        sys.stdout.write("ready\n"); sys.stdout.flush()
        sys.stdin.readline()
        os.killpg(0, signal.SIGKILL)
        """;

    private readonly Process _process = new();

    private Holder(string script)
    {
        _process.StartInfo = new ProcessStartInfo("setsid", ["python3", "-c", Prologue + script + Epilogue])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
    }

    public int Pid => _process.Id;

    public static async Task<Holder> StartAsync(string script)
    {
        var holder = new Holder(script);
        holder._process.Start();
        string? word = await holder._process.StandardOutput.ReadLineAsync();
        return word == "ready" ? holder : throw new InvalidOperationException(await holder._process.StandardError.ReadToEndAsync());
    }

    /// <summary>As Discovery would make it.</summary>
    public KeptWorkload Workload(ProcessTable processes)
    {
        ProcessTree tree = processes.Tree(Pid)!;
        return new KeptWorkload(new Workload($"{Pid}", WorkloadKind.Process, $"nvwa-{Pid}.scope", Pid, tree.Numbers, ServiceType.None, []), tree);
    }

    /// <summary>What one check says of it.</summary>
    public IReadOnlyList<CheckResult> Asked(IWorkloadCheck check)
    {
        var processes = ProcessTable.Read();
        return CheckList.Run(Hosts.With(processes, Workload(processes)), [], [check]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary>Facts for one check.</summary>
internal static class Hosts
{
    public static CriuAnswer Criu { get; } = new(new Version(4, 2), null, null);

    // PID 1 of a container cannot always be read.
    public static HostFacts With(ProcessTable processes, params KeptWorkload[] workloads) => With(Environment.ProcessId, processes, workloads);

    public static HostFacts With(int init, ProcessTable processes, params KeptWorkload[] workloads) => new()
    {
        Restore = new RestoreConfiguration([], []),
        Server = new ServerConfiguration(),
        Criu = Criu,
        Processes = processes,
        Workloads = workloads,
        Init = init,
    };
}
