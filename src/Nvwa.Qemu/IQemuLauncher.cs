namespace Nvwa.Qemu;

/// <summary>Whoever starts QEMUs for a machine: a service manager, or a test.</summary>
public interface IQemuLauncher
{
    /// <summary>Returns when it runs; whether it answers is asked by others.</summary>
    Task StartAsync(QemuCommandLine commandLine, CancellationToken cancellationToken);

    /// <summary>Returns when the QEMU that was started last has ended, by itself or not.</summary>
    Task EndedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns when the QEMU that was started last, or that there was before, runs no more. It was asked to end already, or is
    /// of no use: it is killed if it has not ended after a while.
    /// </summary>
    Task EndAsync(CancellationToken cancellationToken);
}
