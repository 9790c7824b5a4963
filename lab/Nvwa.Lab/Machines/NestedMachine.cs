using System.Text;

namespace Nvwa.Lab.Machines;

/// <summary>
/// A virtual machine in a guest of the lab, with a guest of its own that counts (lab/workloads/counter.S): that a host's
/// kernel changes is nothing that it may notice.
/// </summary>
/// <param name="Name">Of its directories and of its unit, too.</param>
/// <param name="Memory">Decides how it crosses; its size is <see cref="Mebibytes"/>, a Linux's its own.</param>
public sealed record NestedMachine(string Name, MachineMemory Memory)
{
    public const string Newer = "/usr/bin/qemu-system-x86_64";
    public const string Older = "/opt/qemu-10.0/bin/qemu-system-x86_64";

    /// <summary>As little as the guest takes: an emulated processor in an emulated one needs a second for a pass over 64.</summary>
    public const int Mebibytes = 16;

    public const string Floppy = "/opt/counter.img";

    /// <summary>Where its kernel and its initial RAM disk are to be.</summary>
    public static LabLinux LinuxInGuest { get; } = new("/opt/linux/vmlinuz", "/opt/linux/initrd");

    public const string QmpTool = "/root/qmp.py";

    /// <summary>Who runs the machines that have a unit.</summary>
    public const string User = "machines";

    private const int Weight = 10;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan CountTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    public string Program { get; init; } = Newer;

    /// <summary>Whether it is the main process of a service; else it stands alone, and is root's.</summary>
    public bool IsService { get; init; } = true;

    /// <summary>
    /// Whether it is <see cref="LinuxInGuest"/>, with a device of the host's (lab/workloads/pass-on@.service) for which it is root's; else
    /// the boot sector.
    /// </summary>
    public bool IsLinux { get; init; }

    /// <summary>Of the service.</summary>
    public string Unit => $"{Name}.service";

    public string QmpSocket => $"/run/{Name}/qmp";

    /// <summary>Of a Linux.</summary>
    public string AgentSocket => $"/run/{Name}/agent";

    private string SerialLog => $"/var/lib/{Name}/serial.log";

    private CountingMachineOptions Options => new() { Memory = Memory with { Mebibytes = IsLinux ? LabLinux.Mebibytes : Mebibytes } };

    private string[] Boot => IsLinux
        ? [.. LinuxInGuest.Arguments(AgentSocket, disk: null, hasNetwork: false), "-device", $"vfio-pci,host={QemuArguments.SpareDevice}"]
        : CountingCommandLine.Floppy(Floppy);

    private string CommandLine => string.Join(' ', [Program, "-name", Name, .. CountingCommandLine.Arguments(Options, Boot, SerialLog, QmpSocket)]);

    private static string Device => $"pass-on@{QemuArguments.SpareDevice}.service";

    private string UnitFile =>
        $"""
        [Unit]
        Description=A virtual machine that counts
        {(IsLinux ? $"Requires={Device}\nAfter={Device}" : "")}
        [Service]
        Type=exec
        {(IsLinux ? "LimitMEMLOCK=infinity" : $"User={User}")}
        RuntimeDirectory={Name}
        StateDirectory={Name}
        ExecStart={CommandLine}
        Restart=on-failure
        # All but a Linux take all of the processor's time that they get.
        CPUWeight={(IsLinux ? 10 * Weight : Weight)}
        [Install]
        WantedBy=multi-user.target

        """;

    /// <summary>Returns when its guest counts.</summary>
    public Task StartAsync(LabGuest host, CancellationToken cancellationToken = default) => StartAsync(host, [this], cancellationToken);

    /// <summary>Returns when the guests of all of them count.</summary>
    public static async Task StartAsync(LabGuest host, IReadOnlyList<NestedMachine> machines, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        foreach (NestedMachine service in machines.Where(machine => machine.IsService))
        {
            using var file = new MemoryStream(Encoding.ASCII.GetBytes(service.UnitFile));
            await host.PutFileAsync(file, $"/etc/systemd/system/{service.Unit}", cancellationToken: cancellationToken);
        }

        string units = string.Join(' ', machines.Where(machine => machine.IsService).Select(machine => machine.Unit));
        // A scope, as from a login, belongs to no service.
        IEnumerable<string> commands = machines.Where(machine => !machine.IsService).Select(machine =>
            $"mkdir -p /run/{machine.Name} /var/lib/{machine.Name} && systemd-run --quiet --scope --property=CPUWeight={Weight} --unit={machine.Name} setsid -f {machine.CommandLine} </dev/null >/dev/null 2>&1");
        foreach (string command in units.Length == 0 ? commands : commands.Append($"systemctl enable -q --now {units}"))
        {
            _ = await host.OutputOfAsync(command, StartTimeout, cancellationToken);
        }

        foreach (NestedMachine machine in machines)
        {
            _ = await machine.GoesOnAsync(host, timeout: machine.IsLinux ? BootTimeout : CountTimeout, cancellationToken: cancellationToken);
        }
    }

    /// <summary>Has its QEMU do something, such as "stop".</summary>
    /// <returns>The answer, as JSON.</returns>
    public Task<string> TellAsync(LabGuest host, string command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.OutputOfAsync($"{QmpTool} {QmpSocket} {command}", cancellationToken: cancellationToken);
    }

    /// <summary>The guest started once and has not lost anything since.</summary>
    /// <returns>The last count; 0 before it has started.</returns>
    /// <exception cref="LabException">It has; the message says what.</exception>
    public async Task<int> CountAsync(LabGuest host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        try
        {
            return CountingLog.Read(await host.OutputOfAsync($"cat {SerialLog} || true", cancellationToken: cancellationToken)) ?? 0;
        }
        catch (LabException lost)
        {
            throw new LabException($"{Name}: {lost.Message}");
        }
    }

    /// <summary>Waits until the guest has counted on, with nothing lost since its start.</summary>
    /// <returns>The last count.</returns>
    /// <exception cref="LabException">It lost something, or stands still.</exception>
    public async Task<int> GoesOnAsync(LabGuest host, int more = 3, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        int first = await CountAsync(host, cancellationToken);
        int last = first;
        for (TimeSpan waited = TimeSpan.Zero; last - first < more; waited += Poll)
        {
            if (waited > (timeout ?? CountTimeout))
            {
                throw new LabException($"{Name}: the guest stands at count {last}");
            }

            await Task.Delay(Poll, TimeProvider.System, cancellationToken);
            last = await CountAsync(host, cancellationToken);
        }

        return last;
    }
}
