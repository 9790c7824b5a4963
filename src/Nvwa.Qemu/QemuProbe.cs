using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.Qemu;

/// <summary>A program that is to take a machine over, asked what it is before anything is stopped: it is started without a machine.</summary>
/// <param name="Program">Its path.</param>
/// <param name="Version">What it says of itself.</param>
/// <param name="Features">What it can do.</param>
/// <param name="Machines">Types of machine that it has, with versions.</param>
/// <param name="Devices">Types of devices that it has.</param>
public sealed record QemuProbe(
    string Program, QmpVersion Version, QemuFeatures Features, IReadOnlySet<string> Machines, IReadOnlySet<string> Devices)
{
    /// <param name="program">Its path.</param>
    /// <param name="directory">For its socket, and its words if it fails; of the caller's own.</param>
    /// <param name="timeout">For its answers.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="MigrationException">It is no QEMU, or does not start; with its own words.</exception>
    public static async Task<QemuProbe> RunAsync(string program, string directory, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        if (TrustedProgram.Problem(program) is { } problem)
        {
            throw new MigrationException($"{program} is not run by root: {problem}");
        }

        string socket = Path.Combine(directory, "probe.qmp");
        string words = Path.Combine(directory, "probe.log");
        try
        {
            using ChildProcess child = Start(program, socket, words);
            try
            {
                return await AskAsync(program, socket, child, timeout, cancellationToken);
            }
            catch (Exception failed) when (failed is TimeoutException or QmpException or QmpTransportException)
            {
                string[] said = await File.ReadAllLinesAsync(words, CancellationToken.None);
                throw new MigrationException($"{program} is no QEMU that works: {(said is [.., var last] ? last : failed.Message)}", failed);
            }
            finally
            {
                _ = child.Kill();
                _ = await child.WaitAsync(CancellationToken.None);
            }
        }
        catch (LinuxException failed)
        {
            throw new MigrationException($"{program} cannot be started: {failed.Message}", failed);
        }
        finally
        {
            File.Delete(socket);
            File.Delete(words);
        }
    }

    /// <summary>Why it cannot take a machine over; null if nothing is known.</summary>
    /// <param name="machine">That it is to take.</param>
    /// <param name="mode">How.</param>
    public string? Obstacle(MachineFacts machine, MigrationMode mode)
    {
        ArgumentNullException.ThrowIfNull(machine);
        // Files are read whatever their mode was; descriptors are handed over to who knows how only.
        return mode is MigrationMode.CprExec or MigrationMode.CprTransfer && !Features.Modes.Contains(mode) ? $"{Program} (QEMU {Version.Number}) has no {mode.Name()}"
            : !Machines.Contains(machine.Type) ? $"{Program} (QEMU {Version.Number}) has no machine {machine.Type}"
            : machine.Devices.FirstOrDefault(device => !Devices.Contains(device)) is { } missing ? $"{Program} (QEMU {Version.Number}) has no device {missing}"
            : null;
    }

    private static ChildProcess Start(string program, string socket, string words)
    {
        using SafeFileHandle log = File.OpenHandle(words, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        return Spawn.Start(new SpawnRequest(program, ["-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", $"unix:{socket},server=on,wait=off"])
        {
            Inherit = [new InheritedDescriptor(log, 1), new InheritedDescriptor(log, 2)],
        });
    }

    private static async Task<QemuProbe> AskAsync(string program, string socket, ChildProcess child, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<int> end = child.WaitAsync(ended.Token);
        Task<QmpClient> connecting = QmpClient.ConnectAsync(socket, timeout, cancellationToken: ended.Token);
        try
        {
            if (await Task.WhenAny(end, connecting) == end)
            {
                throw new QmpTransportException(socket, $"it ended with {await end}");
            }

            QmpClient qmp = await connecting;
            JsonElement machines = await qmp.ExecuteAsync("query-machines", cancellationToken: cancellationToken);
            JsonElement devices = await qmp.ExecuteAsync("qom-list-types", new JsonObject { ["implements"] = "device" }, cancellationToken: cancellationToken);
            return new QemuProbe(program, qmp.Version, await QemuFeatures.ReadAsync(qmp, cancellationToken), Names(qmp, machines), Names(qmp, devices));
        }
        finally
        {
            await ended.CancelAsync();
            await ((Task)end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await (connecting.IsCompletedSuccessfully ? (await connecting).DisposeAsync() : ValueTask.CompletedTask);
        }
    }

    private static HashSet<string> Names(QmpClient qmp, JsonElement list)
    {
        try
        {
            return list.EnumerateArray().Select(each => each.GetProperty("name").GetString() ?? "").ToHashSet(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw new QmpTransportException(qmp.SocketPath, "a list is not what QEMU documents", e);
        }
    }
}
