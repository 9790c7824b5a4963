namespace Nvwa.Api;

/// <summary>The varlink interface of the daemon; <c>varlinkctl introspect</c> shows it.</summary>
internal static class NvwaInterface
{
    public const string Name = "io.nvwa";
    public const string SocketPath = "/run/nvwa/nvwa.socket";

    public const string Usage = Name + ".Usage";
    public const string Refused = Name + ".Refused";
    public const string Failed = Name + ".Failed";
    public const string Busy = Name + ".Busy";
    public const string ImagesPending = Name + ".ImagesPending";

    public const string Description = """
        # Replaces the kernel of the running host and restores what ran on it.
        interface io.nvwa

        # verdict: pass, unknown, warn, refuse or invalid.
        type CheckResult (check: string, subject: string, verdict: string, reason: string, remedy: ?string)

        # Milliseconds.
        type BlackoutPart (name: string, milliseconds: int)
        type Blackout (milliseconds: int, parts: []BlackoutPart, isExact: bool)

        # kind: process or service, by who starts it. step: planned, saved, attempted, resuming, restored, coldStarted or lost.
        type Workload (name: string, kind: string, unit: string, step: string, pidBefore: int, pidAfter: ?int,
                       imageBytes: int, reason: ?string, log: ?string, blackout: ?Blackout)

        type PhaseTime (phase: string, began: string, milliseconds: ?int)

        # network: saved, attempted, restored or notRestored; null where restore_net is off.
        # outcome: none while the update runs; updated, degraded, rolledBack, interrupted or discarded.
        type Update (id: string, oldKernel: string, newKernel: string, phase: string, outcome: string, reason: ?string,
                     phases: []PhaseTime, workloads: []Workload, restarted: []string, troubles: []string,
                     network: ?string)

        # With 'more', a reply for each step; the last one is sent just before the switch, or by a dry run or a rollback.
        method Update(version: string, append: ?string, dryRun: ?bool) -> (id: ?string, phase: string, message: string,
                                                                          results: ?[]CheckResult)

        # Without a version: only what does not depend on the new kernel.
        method Check(version: ?string) -> (results: []CheckResult)

        # Stops an update before its switch; it is rolled back.
        method Cancel() -> (id: string)

        # Removes all that an update left. 'discard' gives up images that were not restored.
        method Init(discard: ?bool) -> (removed: []string)

        # The update that runs or was the last, or the one with this id. 'wait' answers when it has ended.
        method Status(id: ?string, wait: ?bool) -> (version: string, kernel: string, update: ?Update)

        # A virtual machine of 'vms' in nvwa-restore.yaml, or a QEMU that runs and could be one.
        type Machine (name: string, qmp: string, isConfigured: bool, unit: ?string, pid: ?int, version: ?string, machine: ?string,
                      status: ?string, memoryMebibytes: ?int, problem: ?string)

        method ListMachines() -> (machines: []Machine)

        # What stands in the way of keeping it through a change of the kernel, and of taking it to another QEMU.
        method CheckMachine(name: string, qemu: ?string) -> (results: []CheckResult)

        # Takes it to another QEMU. mode: cpr-exec, cpr-transfer, cpr-reboot or normal; without, the one with the least blackout.
        method UpgradeMachine(name: string, qemu: ?string, mode: ?string) -> (name: string, mode: string, oldVersion: string,
                                                                             newVersion: string, blackout: ?Blackout, setbacks: []string)

        error Usage (message: string)
        error Refused (results: []CheckResult)
        error Failed (message: string)
        # An empty id: something else than an update is being done.
        error Busy (id: string)
        error ImagesPending (workloads: []string)
        """;
}
