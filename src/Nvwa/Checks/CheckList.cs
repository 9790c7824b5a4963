using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>All checks, in the order in which they are told. A new one is written beside the others and added here.</summary>
internal static class CheckList
{
    private static readonly IHostCheck[] Host =
    [
        new AppendCheck(), new KernelImageCheck(), new InitrdCheck(), new ModulesCheck(), new KernelConfigurationCheck(), new ParametersCheck(),
        new ProcessorCheck(), new KexecCheck(), new LockdownCheck(), new WatchdogCheck(), new CapabilitiesCheck(), new SelinuxCheck(), new JournalCheck(), new ImagesCheck(), new CriuCheck(),
        new SwitchesCheck(), new NetworkCheck(), new BlackoutCheck(),
    ];

    private static readonly IWorkloadCheck[] OfWorkload =
    [
        new NumbersCheck(), new ControllingTerminalCheck(), new NamespacesCheck(), new ControlGroupsCheck(), new TracerCheck(), new FilesCheck(), new MappingsCheck(), new WritersCheck(),
        new UnixConnectionsCheck(), new ConnectionsCheck(), new SocketActivationCheck(), new PipesCheck(), new SharedMemoryCheck(), new SystemVCheck(),
        new LocksCheck(), new MountsCheck(), new LibraryCheck(), new WipedMemoryCheck(), new MemoryCheck(), new UnitFilesCheck(),
    ];

    public static IReadOnlyList<CheckResult> Run(HostFacts host) => Run(host, Host, OfWorkload);

    public static IReadOnlyList<CheckResult> Run(HostFacts host, IEnumerable<IHostCheck> ofHost, IEnumerable<IWorkloadCheck> ofWorkload) =>
    [
        .. ofHost.SelectMany(check => Guarded(check.Name, "host", () => check.Run(host))),
        .. host.Workloads.SelectMany(workload => ofWorkload.SelectMany(check => Guarded(check.Name, workload.Name, () => Answers(check, workload, host)))),
    ];

    private static IEnumerable<CheckResult> Answers(IWorkloadCheck check, KeptWorkload workload, HostFacts host) =>
        check.Run(workload, host).DefaultIfEmpty(CheckResult.Pass(check.Name, workload.Name, check.Fine));

    /// <summary>A check that fails says nothing about the host: the operator learns that, and all the other answers.</summary>
    private static CheckResult[] Guarded(string name, string subject, Func<IEnumerable<CheckResult>> run)
    {
        try
        {
            return [.. run()];
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            return [CheckResult.Unknown(name, subject, $"could not be found out: {failed.Message}")];
        }
    }
}
