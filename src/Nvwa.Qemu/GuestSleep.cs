namespace Nvwa.Qemu;

/// <summary>
/// Suspend to RAM, by the guest's own kernel: its drivers put their devices to rest, which is the only state in which QEMU
/// saves a machine with a device of the host (docs/devel/migration/CPR.rst, VFIO).
/// </summary>
public static class GuestSleep
{
    /// <param name="qmp">To the machine's QEMU.</param>
    /// <param name="agentSocket">The host's end of the guest agent's port.</param>
    /// <param name="timeout">For the guest; it may take seconds.</param>
    /// <param name="cancellationToken">Stops waiting; the guest may still fall asleep.</param>
    /// <exception cref="MigrationException">The agent did not answer, or the guest did not fall asleep.</exception>
    public static async Task SleepAsync(QmpClient qmp, string agentSocket, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        using QmpEvents events = qmp.Subscribe();
        using var agent = new GuestAgentClient(agentSocket);
        try
        {
            await agent.SuspendAsync(timeout, cancellationToken);
            _ = await events.WaitForAsync("SUSPEND", timeout, cancellationToken);
        }
        catch (TimeoutException late)
        {
            throw new MigrationException($"the guest did not suspend itself: {late.Message}", late);
        }
    }

    /// <summary>That it is awake is no error.</summary>
    /// <exception cref="TimeoutException">It did not wake up.</exception>
    public static async Task WakeAsync(QmpClient qmp, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        using QmpEvents events = qmp.Subscribe();
        if ((await qmp.QueryStatusAsync(cancellationToken)).Status != MachineFacts.Suspended)
        {
            return;
        }

        _ = await qmp.ExecuteAsync("system_wakeup", timeout: timeout, cancellationToken: cancellationToken);
        _ = await events.WaitForAsync("WAKEUP", timeout, cancellationToken);
    }
}
