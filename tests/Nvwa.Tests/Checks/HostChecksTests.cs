using System.Runtime.InteropServices;
using System.Text;
using Nvwa.Checks;
using Nvwa.Core.Checks;
using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Core.Kernel;
using Nvwa.Linux;
using Nvwa.Update;

namespace Nvwa.Tests.Checks;

/// <summary>Checks of the host and of the new kernel, on files as they lie on hosts.</summary>
public sealed class HostChecksTests : IDisposable
{
    private const string Version = "7.2.12+deb13-amd64";

    /// <summary>As a distribution's kernel has them.</summary>
    private const string Options =
        "CHECKPOINT_RESTORE PROC_FS UNIX INET EPOLL EVENTFD TIMERFD SIGNALFD INOTIFY_USER FHANDLE NAMESPACES PID_NS TIME_NS NF_TABLES NF_TABLES_INET "
        + "UNIX_DIAG INET_DIAG INET_TCP_DIAG INET_UDP_DIAG PACKET_DIAG NETLINK_DIAG KEXEC_FILE";

    private readonly TemporaryDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(true, Architecture.X64, Verdict.Pass)]
    [InlineData(true, Architecture.Arm64, Verdict.Refuse)]
    [InlineData(false, Architecture.X64, Verdict.Refuse)]
    public void A_kernel_must_be_made_for_this_machine(bool is64Bit, Architecture machine, Verdict verdict)
    {
        Make("boot/vmlinuz", Images.X86(is64Bit, signature: 0));

        CheckResult result = new KernelImageCheck().OfMachine(new KernelImage(Version, _root["boot/vmlinuz"], "/boot/initrd"), machine);

        Assert.Equal(verdict, result.Verdict);
    }

    [Fact]
    public void A_damaged_kernel_is_refused()
    {
        Make("boot/vmlinuz", new byte[4096]);

        CheckResult result = new KernelImageCheck().OfMachine(new KernelImage(Version, _root["boot/vmlinuz"], "/boot/initrd"), Architecture.X64);

        Assert.Equal(Verdict.Refuse, result.Verdict);
        Assert.Contains("damaged", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("070701000000", Verdict.Pass)]
    [InlineData("(µ/ý", Verdict.Pass)]
    [InlineData("", Verdict.Refuse)]
    [InlineData("<html>", Verdict.Refuse)]
    public void An_initrd_must_begin_like_one(string content, Verdict verdict)
    {
        Make("boot/initrd", System.Text.Encoding.Latin1.GetBytes(content));

        Assert.Equal(verdict, Ask(new InitrdCheck(), Host()).Verdict);
    }

    [Theory]
    [InlineData(null, Verdict.Pass, "has none")]
    [InlineData("inactive", Verdict.Warn, "is not fed")]
    [InlineData("active", Verdict.Pass, "is being fed")]
    public void A_watchdog_that_nobody_feeds_brings_no_kernel_back(string? state, Verdict verdict, string reason)
    {
        if (state is not null)
        {
            Make("sys/class/watchdog/watchdog0/state", System.Text.Encoding.ASCII.GetBytes(state + "\n"));
            Make("sys/class/watchdog/watchdog0/identity", "i6300ESB timer\n"u8.ToArray());
        }

        CheckResult result = Ask(new WatchdogCheck(), Host());

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(reason, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_initrd_that_went_away_is_unknown_and_does_not_end_the_checks()
    {
        CheckResult result = Ask(new InitrdCheck(), Host());

        Assert.Equal(Verdict.Unknown, result.Verdict);
        Assert.Contains("initrd", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, Verdict.Refuse, "does not exist")]
    [InlineData("modules.order", Verdict.Refuse, "depmod")]
    [InlineData("modules.dep", Verdict.Pass, "")]
    public void The_new_kernel_needs_its_modules(string? file, Verdict verdict, string said)
    {
        if (file is not null)
        {
            Make($"lib/modules/{Version}/{file}", []);
        }

        CheckResult result = Ask(new ModulesCheck(), Host());

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(said, result.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("boot/config-", "", Verdict.Pass, "")]
    [InlineData("boot/config-", "NF_TABLES_INET", Verdict.Refuse, "CONFIG_NF_TABLES_INET")]
    [InlineData("boot/config-", "UNIX_DIAG", Verdict.Warn, "next update")]
    public void The_new_kernel_must_be_built_with_what_a_restore_needs(string file, string without, Verdict verdict, string said)
    {
        Make(file + Version, System.Text.Encoding.ASCII.GetBytes(Configuration(without)));

        CheckResult result = Ask(new KernelConfigurationCheck(), Host());

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(said, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_that_is_nowhere_is_unknown() => Assert.Equal(Verdict.Unknown, Ask(new KernelConfigurationCheck(), Host()).Verdict);

    [Fact]
    public void A_configuration_in_the_module_tree_is_found()
    {
        Make($"usr/lib/modules/{Version}/config", System.Text.Encoding.ASCII.GetBytes(Configuration("")));

        Assert.Equal(Verdict.Pass, Ask(new KernelConfigurationCheck(), Host()).Verdict);
    }

    [Fact]
    public void A_running_kernel_that_cannot_dump_is_refused()
    {
        Make("boot/config-6.12-old", System.Text.Encoding.ASCII.GetBytes(Configuration("CHECKPOINT_RESTORE")));
        Make($"boot/config-{Version}", System.Text.Encoding.ASCII.GetBytes(Configuration("")));

        Assert.Contains(
            CheckList.Run(Host(), [new KernelConfigurationCheck()], []),
            result => result.Verdict == Verdict.Refuse && result.Subject == "6.12-old" && result.Reason.Contains("CONFIG_CHECKPOINT_RESTORE", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, true, false, Verdict.Pass)]
    [InlineData("none", true, false, Verdict.Pass)]
    [InlineData("integrity", true, true, Verdict.Pass)]
    [InlineData("integrity", true, null, Verdict.Pass)]
    [InlineData("integrity", true, false, Verdict.Refuse)]
    [InlineData("confidentiality", false, true, Verdict.Refuse)]
    public void Under_lockdown_the_new_kernel_must_be_signed(string? level, bool hasFileLoad, bool? isSigned, Verdict verdict) =>
        Assert.Equal(verdict, new LockdownCheck().Of(level, isSecureBoot: true, hasFileLoad, isSigned, "/boot/vmlinuz").Verdict);

    [Theory]
    [InlineData("root=UUID=1 quiet", "", Verdict.Pass, "")]
    [InlineData("quiet", "", Verdict.Warn, "root=")]
    [InlineData("quiet", "root=/dev/vda1", Verdict.Pass, "")]
    [InlineData("root=/dev/vda1 memmap=1G!4G", "memmap=2G!4G", Verdict.Warn, "memmap=")]
    [InlineData("root=/dev/vda1 memmap=1G!4G", "memmap=1G!4G", Verdict.Pass, "")]
    [InlineData("root=/dev/vda1", "sysctl.kernel.pid_max=300", Verdict.Warn, "pid_max")]
    public void Parameters_are_carried_over_and_must_be_enough(string running, string append, Verdict verdict, string subject)
    {
        CheckResult result = Ask(new ParametersCheck(), Host(append, running));

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(subject, result.Subject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "", Verdict.Pass)]
    [InlineData("", "clearcpuid=avx512f", Verdict.Warn)]
    [InlineData("noxsave", "noxsave", Verdict.Pass)]
    [InlineData("clearcpuid=1", "clearcpuid=2", Verdict.Warn)]
    public void Features_of_the_processor_should_stay(string running, string append, Verdict verdict) =>
        Assert.Equal(verdict, Ask(new ProcessorCheck(), Host(append, running)).Verdict);

    [Theory]
    [InlineData("4.2.1", "7.2.12", Verdict.Pass)]
    [InlineData("4.1.1", "6.12.107", Verdict.Pass)]
    [InlineData("3.17.1", "6.12.107", Verdict.Refuse)]
    [InlineData("3.19", "6.13", Verdict.Refuse)]
    public void CRIU_must_know_both_kernels(string criu, string release, Verdict verdict)
    {
        HostFacts host = Host(criu: new CriuAnswer(System.Version.Parse(criu), null, null), release: release);

        Assert.Equal(verdict, Ask(new CriuCheck(), host).Verdict);
    }

    [Fact]
    public void CRIU_is_for_processes_only()
    {
        HostFacts host = Machines(bytes: 0, new CriuAnswer(null, "is not there", null));
        Assert.Equal(Verdict.Pass, Ask(new CriuCheck(), host).Verdict);
    }

    [Theory]
    [InlineData(1, Verdict.Pass)]
    [InlineData(1L << 60, Verdict.Refuse)]
    public void Memory_of_all_machines_must_fit(long bytes, Verdict verdict)
    {
        string directory = Directory.CreateDirectory($"/var/tmp/nvwa-test-{Environment.ProcessId}-room").FullName;
        CheckResult result = Ask(new ImagesCheck(), Machines(bytes, Hosts.Criu, directory));
        Directory.Delete(directory);
        Assert.Equal(verdict, result.Verdict);
    }

    [Theory]
    [InlineData(0x1C0, Verdict.Pass, "free")]
    [InlineData(0x1C0 | 0x10, Verdict.Refuse, "writable by others")]
    [InlineData(0x1C0 | 0x2, Verdict.Refuse, "writable by others")]
    public void Images_must_be_where_only_root_writes(int mode, Verdict verdict, string said)
    {
        // Not in /tmp, which may be in memory.
        string directory = Directory.CreateDirectory($"/var/tmp/nvwa-test-{Environment.ProcessId}-{mode}").FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(directory, (UnixFileMode)mode);
        }

        CheckResult result = Ask(new ImagesCheck(), Host(server: new ServerConfiguration(directory)));
        Directory.Delete(directory);

        Assert.Equal(verdict, result.Verdict);
        Assert.Contains(said, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void We_have_the_capabilities_and_this_kernel_its_configuration()
    {
        Assert.Equal(Verdict.Pass, Ask(new CapabilitiesCheck(), Host()).Verdict);
        Assert.NotNull(KernelConfiguration.Find("/", ProcFs.KernelRelease));
    }

    [Fact]
    public void A_check_that_throws_is_unknown_and_the_others_answer()
    {
        IReadOnlyList<CheckResult> results = CheckList.Run(Host(), [new Broken(), new CapabilitiesCheck()], []);

        Assert.Equal([Verdict.Unknown, Verdict.Pass], results.Select(result => result.Verdict));
        Assert.Contains("no such luck", results[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_blackout_is_forecast_from_the_last_update_by_memory()
    {
        UpdateState last = Updates.After(
            new Arrived(Updates.NewBoot, "7.0.1", Updates.At(3)), new Attempted("web@1.service", Updates.NewBoot, new Stamp(5_000_000_000, Updates.At(30).Realtime)),
            new Restored("web@1.service", 700, new Stamp(7_000_000_000, Updates.At(32).Realtime)));
        Blackout measured = Blackout.Of(last, last.Find("web@1.service")!)!;
        long ofMemory = measured.Parts.Where(part => part.Name is "dump" or "restore").Sum(part => part.Milliseconds);

        BlackoutForecast same = BlackoutForecast.Of(last, 8192)!;
        BlackoutForecast twice = BlackoutForecast.Of(last, 2 * 8192)!;

        Assert.Equal(measured.Milliseconds, same.Milliseconds);
        Assert.Equal(measured.Milliseconds + ofMemory, twice.Milliseconds);
        Assert.Equal(Updates.Id, twice.UpdateId);
        Assert.Null(BlackoutForecast.Of(null, 8192));
        Assert.Null(BlackoutForecast.Of(Updates.After(), 8192));
    }

    [Theory]
    [InlineData("1", "permissive", true, Verdict.Refuse)]
    [InlineData("1", "enforcing", false, Verdict.Pass)]
    [InlineData("0", "enforcing", true, Verdict.Refuse)]
    [InlineData("0", "permissive", true, Verdict.Pass)]
    [InlineData(null, "enforcing", true, Verdict.Pass)]
    public async Task Contexts_of_SELinux_do_not_come_back(string? enforces, string configured, bool keeps, Verdict verdict)
    {
        Make("etc/selinux/config", Encoding.ASCII.GetBytes($"# a comment\nSELINUX={configured}\n"));
        if (enforces is not null)
        {
            Make("sys/fs/selinux/enforce", Encoding.ASCII.GetBytes(enforces));
        }

        using Holder holder = await Holder.StartAsync("");
        var processes = ProcessTable.Read();

        CheckResult result = Ask(new SelinuxCheck(), Host(keeps ? [holder.Workload(processes)] : []));

        Assert.Equal(verdict, result.Verdict);
        Assert.DoesNotContain("permissive", result.Remedy ?? "", StringComparison.Ordinal);
    }

    private static CheckResult Ask(IHostCheck check, HostFacts host) => Assert.Single(CheckList.Run(host, [check], []));

    private static string Configuration(string without) => string.Join(
        '\n',
        Options.Split(' ').Select(option => option == without ? $"# CONFIG_{option} is not set" : $"CONFIG_{option}=m"));

    private HostFacts Machines(long bytes, CriuAnswer criu, string criuDir = "/var/nvwa/running") => new()
    {
        Restore = new RestoreConfiguration([], []) { Machines = [new MachineConfiguration("web", "/run/web/qmp")] },
        Server = new ServerConfiguration(criuDir),
        Criu = criu,
        Processes = ProcessTable.Read(),
        Root = _root.Path,
        MachineBytes = bytes,
    };

    private HostFacts Host(IReadOnlyList<KeptWorkload> workloads) => new()
    {
        Restore = new RestoreConfiguration([], []),
        Server = new ServerConfiguration(),
        Criu = Hosts.Criu,
        Processes = ProcessTable.Read(),
        Root = _root.Path,
        Workloads = workloads,
    };

    private HostFacts Host(string append = "", string running = "", ServerConfiguration? server = null, CriuAnswer? criu = null, string release = "6.12-old") => new()
    {
        Restore = new RestoreConfiguration([], []),
        Server = server ?? new ServerConfiguration(),
        Version = Version,
        Target = new KernelImage(Version, _root["boot/vmlinuz"], _root["boot/initrd"]),
        Append = append,
        Criu = criu ?? Hosts.Criu,
        Processes = ProcessTable.Read(),
        Root = _root.Path,
        Release = release,
        CommandLine = KernelCommandLine.Parse(running),
    };

    private void Make(string file, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root[file])!);
        AtomicFile.Write(_root[file], content);
    }

    private sealed class Broken : IHostCheck
    {
        public string Name => "broken";

        public IEnumerable<CheckResult> Run(HostFacts host)
        {
            yield return Path.Exists(host.Root) ? throw new InvalidDataException("no such luck") : CheckResult.Pass(Name, "", "");
        }
    }
}
