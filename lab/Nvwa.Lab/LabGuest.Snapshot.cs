using System.Globalization;
using System.Text.Json.Nodes;
using Nvwa.Qemu;

namespace Nvwa.Lab;

public sealed partial class LabGuest
{
    private static readonly TimeSpan MigrationTimeout = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Starts a guest that goes on where the snapshot was taken, without a boot; its agent answers, and its clock is right to
    /// about a second. The other ends of connections that it had when the snapshot was taken are not there.
    /// </summary>
    public static async Task<LabGuest> StartAsync(
        LabSnapshot snapshot, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        LabGuest guest = await CreateAsync(
            snapshot.Image, snapshot.Options with { Name = name }, snapshot.Disk, snapshot.Files, cancellationToken);
        return await guest.OrDisposedAsync(async () =>
        {
            await guest.StartQemuAsync(isIncoming: true, cancellationToken);
            await guest.LoadStateAsync(snapshot.State, cancellationToken);
            guest._isUnpacked = true;
            await guest.WaitForAgentAsync(CommandTimeout, cancellationToken);
            await guest.SetClockAsync(cancellationToken);
        });
    }

    /// <summary>Saves the running guest and switches it off; <see cref="PowerOnAsync"/> would find its disk as after a power cut.</summary>
    public async Task<LabSnapshot> SnapshotAsync(CancellationToken cancellationToken = default)
    {
        var directory = GuestDirectory.Create();
        try
        {
            await SaveStateAsync(LabSnapshot.StatePath(directory), cancellationToken);
            await SwitchedOffAsync();
            await _disk.MoveAsync(LabSnapshot.DiskPath(directory), cancellationToken);
            if (File.Exists(_directory.Files))
            {
                File.Copy(_directory.Files, directory.Files);
            }

            return new LabSnapshot(directory, _image, _options);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    // Stopped before, so that nothing is written twice; "mapped-ram" gives each page its place in the file.
    private async Task SaveStateAsync(string path, CancellationToken cancellationToken)
    {
        await SetMigrationAsync(cancellationToken);
        _ = await Qmp.ExecuteAsync("stop", cancellationToken: cancellationToken);
        await MigrateAsync("migrate", path, cancellationToken);
    }

    private async Task LoadStateAsync(string path, CancellationToken cancellationToken)
    {
        await SetMigrationAsync(cancellationToken);
        await MigrateAsync("migrate-incoming", path, cancellationToken);
        _ = await Qmp.ExecuteAsync("cont", cancellationToken: cancellationToken);
    }

    private async Task SetMigrationAsync(CancellationToken cancellationToken)
    {
        var capabilities = new JsonArray(
            new JsonObject { ["capability"] = "events", ["state"] = true },
            new JsonObject { ["capability"] = "mapped-ram", ["state"] = true });
        _ = await Qmp.ExecuteAsync(
            "migrate-set-capabilities", new JsonObject { ["capabilities"] = capabilities }, cancellationToken: cancellationToken);
        _ = await Qmp.ExecuteAsync(
            "migrate-set-parameters", new JsonObject { ["max-bandwidth"] = 0 }, cancellationToken: cancellationToken);
    }

    private async Task MigrateAsync(string command, string path, CancellationToken cancellationToken)
    {
        using QmpEvents events = Qmp.Subscribe();
        _ = await Qmp.ExecuteAsync(command, new JsonObject { ["uri"] = $"file:{path}" }, cancellationToken: cancellationToken);
        QmpEvent end = await On.WhileAliveAsync(
            token => events.WaitForAsync("MIGRATION", received => Status(received) is "completed" or "failed", MigrationTimeout, token),
            cancellationToken);
        if (Status(end) == "failed")
        {
            string details = (await Qmp.ExecuteAsync("query-migrate", cancellationToken: cancellationToken)).GetRawText();
            throw new LabException($"{Name}: {command} failed: {details}");
        }
    }

    private static string? Status(QmpEvent received) => received.Data.GetProperty("status").GetString();

    private async Task SetClockAsync(CancellationToken cancellationToken)
    {
        double seconds = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        string stamp = seconds.ToString("0.000", CultureInfo.InvariantCulture);
        _ = await OutputOfAsync($"date --set=@{stamp}", cancellationToken: cancellationToken);
    }
}
