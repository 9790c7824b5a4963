using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// What units can say about their services (systemd.service(5), systemd.exec(5), systemd.resource-control(5)): small services
/// that verify themselves go to the other kernel and back, each as it was, and are ordinary units afterwards. What cannot be
/// kept is refused, with the reason.
/// </summary>
[Collection(OneGuestAtATime.Name)]
[Trait("table", "compatibility")]
public sealed class UnitSettings(PreparedHost prepared)
{
    private const string Units =
        "keeper-simple keeper-exec keeper-notify keeper-reload keeper-forking keeper-guess keeper-oneshot keeper-boxed keeper-nothing keeper-idle keeper@a keeper@b keeper-groups keeper-profile keeper-socket";

    /// <summary>Those with a process.</summary>
    private static readonly string Keepers = Units.Replace("keeper-nothing ", "", StringComparison.Ordinal);

    private const string Prepare =
        $"""
        set -e
        systemctl disable -q --now redis.service redis-journal.service && pkill -f '[t]icker.py'
        systemctl enable -q apparmor.service keeper-socket.socket {Units} && systemctl restart apparmor.service
        systemctl start {Units}
        """;

    // Of each unit what systemd says, what its service says itself, its control groups, and the mounts and namespaces that only it has.
    // TasksMax= is a share of what the kernel allows, where the unit does not say.
    private static readonly string Everything =
        $$"""
        {
        for unit in {{Units}}; do
          echo "== $unit"
          systemctl show -p Type,MainPID,ActiveState,SubState,Result,ControlGroup,Slice,StatusText,ExecMainCode,ExecMainStatus,User,UID,GID,WatchdogUSec,TimeoutStartUSec,Restart,NRestarts,NotifyAccess,PIDFile,LimitNOFILE,LimitNOFILESoft,MemoryMax,CPUWeight,TasksMax,TasksCurrent,DropInPaths,FreezerState,NeedDaemonReload $unit
          top=$(systemctl show --value -p ControlGroup $unit)
          for group in $(test -z "$top" || find /sys/fs/cgroup$top -type d | sort); do
            for file in cgroup.subtree_control cpu.weight cpu.max memory.high memory.max memory.swap.max pids.max; do
              test ! -e $group/$file || echo "$group/$file $(cat $group/$file)"
            done
          done
        done
        for unit in {{Keepers}}; do
          echo "== $unit"
          keeper.py ask $(echo $unit | tr @ -) report
          for pid in $(find /sys/fs/cgroup$(systemctl show --value -p ControlGroup $unit) -name cgroup.procs -exec cat {} + | sort -n); do
            echo "pid $pid $(tr '\0' ' ' </proc/$pid/cmdline)"
            awk 'NR == FNR { host[$5]; next } !($5 in host) && $5 !~ "^/(usr/bin/(sleep|setsid)$|run/user)" { print $5, $6 }' /proc/1/mountinfo /proc/$pid/mountinfo | sort
            for kind in mnt net uts ipc pid user cgroup; do test /proc/$pid/ns/$kind -ef /proc/1/ns/$kind || echo "own $kind"; done
          done
        done
        cat /root/keeper-simple.starts
        } | sed "s/$(systemctl show --value -p DefaultTasksMax)/the kernel's default/"
        """;

    // Type=dbus, a connection to the bus, one to another kept service, a helper that is nobody's child, a unit that no boot knows,
    // a socket that no boot opens, one for its input, a descriptor that systemd keeps, and a unit of a user's.
    private const string MakeRefused =
        """
        cd /etc/systemd/system
        printf '[Service]\nExecStart=/usr/bin/busctl monitor\n' >refused-bus.service
        printf '[Service]\nExecStart=/usr/local/bin/keeper.py connect /run/keeper-b/ask\n' >refused-stream.service
        printf '[Service]\nExecStart=/bin/sleep infinity\nExecStartPost=/bin/sh -c "setsid -f sleep infinity"\n' >refused-helper.service
        printf '[Service]\nPrivateNetwork=yes\nExecStart=/bin/sleep infinity\n' >refused-network.service
        printf '[Socket]\nListenStream=/run/refused-hand\n[Install]\nWantedBy=sockets.target\n' >refused-hand.socket
        printf '[Service]\nExecStart=/bin/sleep infinity\n' >refused-hand.service
        printf '[Socket]\nListenStream=/run/refused-input\n' >refused-input.socket
        printf '[Service]\nStandardInput=socket\nExecStart=/bin/sleep infinity\n' >refused-input.service
        printf '[Service]\nFileDescriptorStoreMax=1\nNotifyAccess=all\nExecStart=/bin/sleep infinity\nExecStartPost=/bin/sh -c "exec systemd-notify --fd=3 FDSTORE=1 3</etc/hostname"\n' >refused-store.service
        mkdir -p systemd-hostnamed.service.d user@0.service.d /root/.config/systemd/user
        printf '[Service]\nType=dbus\n' >systemd-hostnamed.service.d/lab.conf
        printf '[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/0\n' >user@0.service.d/lab.conf
        printf '[Service]\nExecStart=/bin/sleep infinity\n' >/root/.config/systemd/user/refused-own.service
        systemctl daemon-reload
        systemd-run -q --unit=refused-transient sleep infinity
        systemctl start dbus.socket refused-hand.socket refused-input.socket
        systemctl start refused-hand refused-input refused-store refused-bus refused-stream refused-helper refused-network user@0.service
        XDG_RUNTIME_DIR=/run/user/0 systemctl --user start refused-own.service
        systemctl start systemd-hostnamed.service
        """;

    private const string ForgetRefused =
        """
        systemctl stop systemd-hostnamed refused-hand.socket refused-hand refused-input.socket refused-input refused-store refused-bus refused-stream refused-helper refused-network refused-transient user@0.service
        rm -r /etc/systemd/system/refused-* /etc/systemd/system/systemd-hostnamed.service.d /etc/systemd/system/user@0.service.d /root/.config/systemd
        systemctl daemon-reload
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static string Configuration => Services(Units.Split(' '));

    [Fact]
    [Trait("half", "full")]
    public Task Every_setting_of_a_unit_holds_on_the_other_kernel_and_back() => prepared.RunAsync("unit-settings", async host =>
    {
        LabGuest guest = host.Guest;
        _ = await guest.OutputOfAsync(Prepare, Patience);
        await RefusedAsync(host);
        await host.ConfigureAsync(Configuration);
        await AcceptedAsync(host);
        string before = await ReadAsync(guest);

        await UpdateAsync(host, prepared.NewKernel, before);
        await LogAsync(guest, "there");
        _ = await host.InstallNewerCriuAsync();
        await ChangeOnDiskAsync(host);
        await UpdateAsync(host, prepared.OldKernel, before);
        HostState.Says(await host.NvwaAsync("status"), "nvwa status", exitCode: 0, "keeper-idle.service changed on disk");
        await LogAsync(guest, "back");

        await AreOrdinaryAgainAsync(guest);
    });

    private async Task RefusedAsync(NvwaHost host)
    {
        _ = await host.Guest.OutputOfAsync(MakeRefused, Patience);
        string own = (await host.Guest.OutputOfAsync("cat /sys/fs/cgroup/user.slice/user-0.slice/user@0.service/app.slice/refused-own.service/cgroup.procs")).Trim();
        await host.ConfigureAsync($"pids:\n- {own}\n{Services("keeper@b", "systemd-hostnamed", "refused-hand", "refused-input", "refused-store", "refused-bus", "refused-stream", "refused-helper", "refused-network", "refused-transient")}");
        GuestCommandResult check = await host.NvwaAsync($"check {prepared.NewKernel}");
        HostState.Says(check, "nvwa check", exitCode: 3);
        (string Subject, string[] Said)[] refusals =
        [
            (own, ["refused-own.service", "a user's own systemd", "User="]),
            ("systemd-hostnamed.service", ["Type=dbus", "its connection to the bus ends with the bus"]),
            ("refused-hand.service", ["refused-hand.socket", "no boot starts", "systemctl enable"]),
            ("refused-input.service", ["StandardInput=socket", "take it out of 'services'"]),
            ("refused-store.service", ["has given 1 descriptors to systemd", "FileDescriptorStoreMax=0"]),
            ("refused-bus.service", ["unix stream connection to /run/dbus/system_bus_socket", "not kept with it"]),
            ("refused-stream.service", ["unix stream connection to /run/keeper-b/ask", "not kept with it"]),
            ("keeper@b.service", ["unix stream connection", "not kept with it"]),
            ("refused-helper.service", ["does not descend from its main process"]),
            ("refused-network.service", ["leads out of its network namespace", "PrivateNetwork=no"]),
            ("refused-transient.service", ["is gone after the boot", "/etc/systemd/system"]),
        ];
        string[] lines = check.Output.Split('\n');
        Assert.All(refusals, refusal => Assert.True(
            lines.Any(line => line.StartsWith("refuse", StringComparison.Ordinal) && line.Contains($" {refusal.Subject} ", StringComparison.Ordinal) && refusal.Said.All(words => line.Contains(words, StringComparison.Ordinal))),
            $"{refusal.Subject} is not refused with {string.Join(", ", refusal.Said)}: {check.Output}"));
        await CompatibilityTable.AddRefusedAsync(host, prepared.NewKernel);
        _ = await host.Guest.OutputOfAsync(ForgetRefused, Patience);
    }

    private async Task AcceptedAsync(NvwaHost host)
    {
        GuestCommandResult check = await host.NvwaAsync($"check {prepared.NewKernel}");
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
        HostState.Says(check, "nvwa check", exitCode: 0, "keeper-nothing.service", "has no processes to keep");
    }

    /// <summary>As by an upgrade of its package that leaves the reload to somebody else.</summary>
    private async Task ChangeOnDiskAsync(NvwaHost host)
    {
        _ = await host.Guest.OutputOfAsync("echo '# upgraded' >>/etc/systemd/system/keeper-idle.service");
        HostState.Says(await host.NvwaAsync($"check {prepared.OldKernel}"), "nvwa check", exitCode: 0, "warn", "keeper-idle.service", "changed on disk", "daemon-reload");
    }

    private static async Task UpdateAsync(NvwaHost host, string release, string before)
    {
        UpdateEnd end = await host.UpdateAsync(release);
        Assert.True(end.ExitCode is null, $"nvwa update {release}: exit code {end.ExitCode}: {end.Output}");
        HostState.Says(await host.WaitForUpdateAsync(end.RequireId()), "nvwa status --wait", exitCode: 0, "updated");
        Assert.Equal(release, end.Boot.Release);
        Assert.Equal(before, await ReadAsync(host.Guest));
        await HostState.NothingIsLeftAsync(host.Guest);
        await CompatibilityTable.AddAsync(host);
    }

    private static async Task<string> ReadAsync(LabGuest guest)
    {
        string everything = await guest.OutputOfAsync(Everything, Patience);
        Assert.DoesNotContain("FAIL", everything, StringComparison.Ordinal);
        return everything;
    }

    /// <summary>All ways to the log lead there, from the unit and the process that they did before.</summary>
    private static async Task LogAsync(LabGuest guest, string word)
    {
        string logged = await guest.OutputOfAsync(
            $$"""
            for unit in {{Keepers}}; do keeper.py ask $(echo $unit | tr @ -) log {{word}} >/dev/null; done
            journalctl --sync
            for unit in {{Keepers}}; do
              pid=$(keeper.py ask $(echo $unit | tr @ -) report | sed -n 's/^process \([0-9]*\) .*/\1/p')
              echo $unit $(journalctl -q -b -u $unit _PID=$pid -o short | grep -cE ' (keeper|keeper\.py|keeper-[ab])\[[0-9]+\]: {{word}} ')
            done
            grep -c '^{{word}} ' /var/log/keeper-exec.out
            """,
            Patience);
        Assert.Equal(string.Concat(Keepers.Split(' ').Select(unit => $"{unit} {unit switch { "keeper-idle" => 0, "keeper-exec" => 2, _ => 4 }}\n")) + "2\n", logged);
    }

    private static async Task AreOrdinaryAgainAsync(LabGuest guest)
    {
        // No false alarm of a watchdog; one that goes off is meant.
        _ = await guest.OutputOfAsync("systemctl reload keeper-reload && keeper.py ask keeper-notify hang");
        await guest.WaitUntilAsync("test $(systemctl show --value -p NRestarts keeper-notify) = 1 && systemctl is-active keeper-notify", Patience);
        _ = await guest.OutputOfAsync("for unit in keeper-exec keeper-forking keeper@a; do kill -KILL $(systemctl show --value -p MainPID $unit); done");
        await guest.WaitUntilAsync(
            "(for unit in keeper-exec keeper-forking keeper@a; do test $(systemctl show --value -p NRestarts $unit) = 1 && systemctl is-active $unit || exit 1; done)", Patience);
        // Whom it requires takes it along, and its failure has its consequence.
        _ = await guest.OutputOfAsync("systemctl stop keeper-exec && ! systemctl is-active keeper-simple && systemctl start keeper-simple && systemctl is-active keeper-exec", Patience);
        _ = await guest.OutputOfAsync("test ! -e /root/keeper-alarm");
        _ = await guest.RunAsync("until keeper.py ask keeper-simple report; do sleep 1; done; keeper.py ask keeper-simple die", Patience);
        await guest.WaitUntilAsync("grep -q alarm /root/keeper-alarm", Patience);
        // systemd listens while nobody serves, and whoever comes has it started.
        _ = await guest.OutputOfAsync("systemctl stop keeper-socket.service && timeout 60 python3 -c \"import socket; s = socket.create_connection(('::1', 7300)); assert s.recv(100)\" && systemctl is-active keeper-socket", Patience);
        _ = await guest.OutputOfAsync($"systemctl stop {Units} && test -z \"$(pgrep -f '[k]eeper.py serve')\" && systemctl start {Units}", Patience);
        Assert.Equal("", await guest.OutputOfAsync($"systemctl is-active {Units} | grep -v '^active' || true"));
    }

    private static string Services(params string[] names) => "services:\n" + string.Concat(names.Select(name => $"- {name}\n"));
}
