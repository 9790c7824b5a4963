using Nvwa.Lab.Hosts;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// Whatever breaks, at whatever moment, the host ends in one of the states of <see cref="EndState"/>, and says which. Each
/// chain is one guest, which ends with an update that must succeed. The table of all of them is artifacts/lab/faults.txt.
/// </summary>
[Collection(OneGuestAtATime.Name)]
public sealed class FaultScenarios(PreparedHost prepared, FaultTable table) : IClassFixture<FaultTable>
{
    private const string LameKernel = "7.9-lame";

    // Written so that it does not find the shell that asks.
    private const string FindTicker = "pgrep -f '[p]ython3 /root/ticker.py'";

    // ---- The quick half: around the commit, where most can be lost ----

    [Fact]
    public Task Crashes_and_power_cuts_around_the_commit() => RunAsync(
        "fault-commit",
        [
            FaultCase.Crash("Save", EndState.RolledBack),
            FaultCase.Crash("Switch", EndState.RolledBack),
            FaultCase.PowerCut("Save", EndState.Interrupted),
            FaultCase.PowerCut("Switch", EndState.Updated),
            FaultCase.Crash("Restore", EndState.Updated) with { Seam = ["RestoreCrash redis.service"] },
        ]);

    // ---- The other half, with ./dev test --full ----

    [Fact]
    [Trait("half", "full")]
    public Task A_daemon_that_is_killed_goes_on_where_it_was() => RunAsync(
        "fault-crashes",
        [
            FaultCase.Crash("Load", EndState.RolledBack),
            FaultCase.Crash("Prepare", EndState.RolledBack),
            FaultCase.Crash("Quiesce", EndState.RolledBack),
            FaultCase.Crash("RollBack", EndState.RolledBack) with { Seam = ["SaveCrash", "RollBackCrash"] },
            FaultCase.Crash("Confirm", EndState.Updated),
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task Power_cuts_on_the_old_kernel() => RunAsync(
        "fault-power-old",
        [
            FaultCase.PowerCut("Load", EndState.Interrupted),
            FaultCase.PowerCut("Prepare", EndState.Interrupted, LabKernel.New),
            FaultCase.PowerCut("Quiesce", EndState.Interrupted),
            FaultCase.PowerCut("RollBack", EndState.Interrupted) with { Seam = ["SaveCrash", "RollBackPowerCut"] },
            FaultCase.PowerCut("Switch", EndState.Updated, LabKernel.New),
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task Power_cuts_on_the_new_kernel() => RunAsync(
        "fault-power-new",
        [
            // The others' restores may have been begun, too.
            FaultCase.Failure("RestorePowerCut", "Restore", EndState.Degraded, "redis.service") with
            {
                PowerOn = LabKernel.New, MayBeGone = ["redis-journal.service", KeptWorkloads.TickerName],
            },
            FaultCase.Failure("ResumingPowerCut", "Restore", EndState.Degraded, "redis-journal.service") with
            {
                PowerOn = LabKernel.Old, MayBeGone = ["redis.service", KeptWorkloads.TickerName],
            },
            FaultCase.PowerCut("Confirm", EndState.Degraded),
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task Collaborators_that_fail_before_the_jump() => RunAsync(
        "fault-collaborators",
        [
            FaultCase.Failure("KexecRefuses", "Load", EndState.RolledBack),
            FaultCase.Failure("CriuDoesNotStart", "Prepare", EndState.RolledBack),
            FaultCase.Failure("PlanNotWritten", "Prepare", EndState.RolledBack),
            FaultCase.Failure("UnitDoesNotStop", "Quiesce", EndState.RolledBack),
            FaultCase.Failure("PacketLockFails", "Save", EndState.RolledBack),
            FaultCase.Failure("FreezeTimesOut", "Save", EndState.RolledBack),
            FaultCase.Failure("DumpFails", "Save", EndState.RolledBack),
            FaultCase.Failure("DumpDiskFull", "Save", EndState.RolledBack),
            FaultCase.Failure("DumpTimesOut", "Save", EndState.RolledBack),
            FaultCase.Failure("SyncTimesOut", "Switch", EndState.RolledBack),
            FaultCase.Failure("SyncFails", "Switch", EndState.RolledBack),
            FaultCase.Failure("CommitNotWritten", "Switch", EndState.RolledBack),
            FaultCase.Failure("JumpFails", "Switch", EndState.RolledBack),
            new FaultCase("ThawFails", "RollBack", EndState.RolledBack) { Seam = ["DumpFails", "ThawFails"] },
            new FaultCase("StartFails", "RollBack", EndState.RolledBack) { Seam = ["DumpFails", "StartFails"] },
            new FaultCase("RevocationNotWritten", "RollBack", EndState.RolledBack) { Seam = ["JumpFails", "RevocationNotWritten"], LeavesTrouble = true },
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task Collaborators_that_fail_after_the_jump() => RunAsync(
        "fault-restores",
        [
            FaultCase.Failure("ImagesUnreadable", "Restore", EndState.Degraded, "redis.service"),
            FaultCase.Failure("PidTaken", "Restore", EndState.Updated),
            FaultCase.Failure("AddressMissing", "Restore", EndState.Updated),
            FaultCase.Failure("RestoreFails", "Restore", EndState.Degraded, "redis-journal.service"),
            FaultCase.Failure("ResumingCrash", "Restore", EndState.Degraded, "redis.service"),
            FaultCase.Failure("ResumingNotWritten", "Restore", EndState.Degraded, "redis.service"),
            FaultCase.Failure("RestoredNotWritten", "Restore", EndState.Updated),
            FaultCase.Failure("ImagesNotRemoved", "Confirm", EndState.Updated) with { LeavesTrouble = true },
            FaultCase.Failure("ClosingNotWritten", "Confirm", EndState.Updated),
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task A_network_that_is_not_restored_costs_no_workload() => RunAsync(
        "fault-network",
        [
            FaultCase.Failure("NetworkNotRead", "Prepare", EndState.RolledBack) with { RestoresNetwork = true },
            FaultCase.Failure("NetworkFails", "Restore", EndState.Degraded) with { RestoresNetwork = true, LeavesTrouble = true },
            FaultCase.Failure("NetworkCrash", "Restore", EndState.Degraded) with { RestoresNetwork = true, LeavesTrouble = true },
            FaultCase.Failure("NetworkPowerCut", "Restore", EndState.Degraded) with { RestoresNetwork = true, LeavesTrouble = true, PowerOn = LabKernel.New },
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task Damaged_images_cost_their_owner_its_memory_and_nobody_else() => RunAsync(
        "fault-images",
        [
            Damage("ImageBitFlip", "redis.service", "printf X | dd of=$image bs=1 seek=$(($(stat -c %s $image) / 2)) conv=notrunc"),
            Damage("ImageTruncated", "redis-journal.service", "truncate -s -4096 $image"),
            new FaultCase("UpdateWhileDegraded", "Check", EndState.Updated),
            new FaultCase("DowngradeAtOnce", "Check", EndState.Updated),
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task A_CRIU_that_is_killed_or_hangs_costs_at_most_its_own_workload() => RunAsync(
        "fault-criu",
        [
            new FaultCase("CriuKilledInDump", "Save", EndState.RolledBack)
            {
                Criu = "/usr/local/sbin/criu-that-dies", Before = "echo 'KILL nvwa-dump-0 */dump.log' >/root/criu-dies", MayBeGone = ["redis.service"],
            },
            new FaultCase("CriuHangsInDump", "Save", EndState.RolledBack)
            {
                Criu = "/usr/local/sbin/criu-that-dies", Before = "echo 'STOP nvwa-dump-0 */dump.log' >/root/criu-dies", MayBeGone = ["redis.service"],
            },
            new FaultCase("CriuKilledInRestore", "Restore", EndState.Degraded)
            {
                Criu = "/usr/local/sbin/criu-that-dies", Before = "echo KILL redis.service redis/restore.log >/root/criu-dies; sync /root/criu-dies /root", Gone = ["redis.service"],
            },
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task A_host_that_gets_in_the_way_is_rolled_back() => RunAsync(
        "fault-host",
        [
            new FaultCase("DiskFull", "Save", EndState.RolledBack)
            {
                Before = "systemctl daemon-reload && systemctl start disk-filler.service", After = "systemctl stop disk-filler.service; systemctl reset-failed disk-filler.service; rm -f /root/filler",
            },
            new FaultCase("HungService", "Quiesce", EndState.RolledBack)
            {
                Before =
                    """
                    systemctl start slow-stop.service
                    setsid -f sh -c 'until test -e /var/lib/nvwa/journal && nvwa status --json | grep -q "\"rollBack\""; do sleep 3; done; touch /run/slow-stop.go' </dev/null >/dev/null 2>&1
                    """,
                After = "touch /run/slow-stop.go; systemctl stop slow-stop.service",
            },
            new FaultCase("WorkloadDies", "Prepare", EndState.RolledBack)
            {
                Criu = "/usr/local/sbin/criu-after-a-death", Before = $"{FindTicker} >/root/victim", Gone = [KeptWorkloads.TickerName],
            },
            new FaultCase("SecondUpdate", "Quiesce", EndState.Updated)
            {
                Before =
                    $"""
                    systemctl start slow-stop.service
                    setsid -f sh -c 'until test "$(systemctl is-active slow-stop.service)" = deactivating; do sleep 1; done
                        nvwa update {prepared.NewKernel}; echo $? >/root/second; sync /root/second /root; touch /run/slow-stop.go' </dev/null >/dev/null 2>&1
                    """,
                After = "grep -qx 1 /root/second && rm /root/second",
            },
        ]);

    [Fact]
    [Trait("half", "full")]
    public Task A_new_kernel_that_does_not_come_up_costs_a_cold_boot_and_nothing_else() => RunAsync(
        "fault-kernels",
        [
            // Without an init of its own the initial RAM disk is not entered, and the kernel cannot read LABEL=.
            new FaultCase("KernelPanics", "Switch", EndState.Updated) { Options = "--append rdinit=/nope", ComesBack = true },
            new FaultCase("NoDiskDrivers", "Switch", EndState.Updated)
            {
                Version = LameKernel,
                ComesBack = true,
                Before =
                    $"""
                    set -e
                    cp /boot/vmlinuz-{prepared.NewKernel} /boot/vmlinuz-{LameKernel}
                    cp /boot/config-{prepared.NewKernel} /boot/config-{LameKernel}
                    cp -al /usr/lib/modules/{prepared.NewKernel} /usr/lib/modules/{LameKernel}
                    cp -a /etc/initramfs-tools /root/lame && : >/root/lame/modules
                    find /usr/lib/modules/{LameKernel} -name 'virtio_blk.ko*' -print -delete | grep -q .
                    depmod {LameKernel}
                    mkinitramfs -d /root/lame -o /boot/initrd.img-{LameKernel} {LameKernel}
                    """,
                After = $"rm -r /boot/*-{LameKernel} /usr/lib/modules/{LameKernel} /root/lame",
            },
        ]);

    /// <summary>Done by the new kernel's early boot to the larger file of a workload's images, before anything is restored.</summary>
    private static FaultCase Damage(string name, string workload, string command)
    {
        string directory = workload[..workload.IndexOf('.', StringComparison.Ordinal)];
        return new FaultCase(name, "Restore", EndState.Degraded)
        {
            Gone = [workload],
            Before =
                $"""
                cat >/root/damage <<'END'
                image=$(ls -S /var/nvwa/running/*/{directory}/pages-*.img | head -n 1)
                {command}
                END
                sync /root/damage /root
                """,
        };
    }

    private Task RunAsync(string name, IReadOnlyList<FaultCase> faults) => prepared.RunAsync(name, async host =>
    {
        await using var faulty = new FaultyHost(host, prepared.Image, table);
        await faulty.BeginAsync();
        foreach (FaultCase fault in faults)
        {
            await faulty.MeetAsync(fault);
        }

        await faulty.EndAsync();
    });
}
