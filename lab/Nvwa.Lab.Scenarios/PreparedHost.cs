using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Nvwa.Lab.Scenarios;

/// <summary>All scenarios: one guest at a time, each from the same snapshot.</summary>
[CollectionDefinition(Name)]
public sealed class OneGuestAtATime : ICollectionFixture<PreparedHost>
{
    public const string Name = "lab";
}

/// <summary>
/// The host that every scenario begins with: booted on the old kernel, its units started by that boot (so with small PIDs),
/// nvwa installed and configured (with the seam for faults, which nobody uses who does not ask), CRIU as the distribution has it.
/// </summary>
public sealed class PreparedHost : IAsyncLifetime
{
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);

    private LabImage? _image;
    private LabSnapshot? _snapshot;
    private KeptWorkloads? _workloads;

    public LabImage Image => _image!;

    public string OldKernel => _image!.Release(LabKernel.Old);

    public string NewKernel => _image!.Release(LabKernel.New);

    /// <summary>The workloads as they were when the snapshot was taken.</summary>
    public KeptWorkloads Workloads => _workloads!;

    public async Task InitializeAsync()
    {
        _image = await LabPackage.LocateImageAsync();
        await using LabGuest guest = await LabGuest.StartAsync(
            _image, new LabGuestOptions { Name = "prepared", Files = LabPackage.Files() });
        await guest.KeepingEvidenceAsync(() => PrepareAsync(new NvwaHost(guest)));
        _snapshot = await guest.SnapshotAsync();
    }

    public Task DisposeAsync()
    {
        _snapshot?.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>A guest of one's own.</summary>
    public async Task<NvwaHost> StartAsync(string name) => new(await LabGuest.StartAsync(_snapshot!, name));

    /// <summary>Runs a scenario on a guest of its own; when it fails, the guest's evidence is kept.</summary>
    public async Task RunAsync(string name, Func<NvwaHost, Task> scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        NvwaHost host = await StartAsync(name);
        await using LabGuest guest = host.Guest;
        await guest.KeepingEvidenceAsync(() => scenario(host));
    }

    private async Task PrepareAsync(NvwaHost host)
    {
        LabGuest guest = host.Guest;
        await guest.WaitForAgentAsync(BootTimeout);
        _ = await host.InstallPackageAsync();
        await KeptWorkloads.EnableAsync(guest);
        await FaultSeam.InstallAsync(guest);
        await guest.ShutDownAsync();
        await guest.PowerOnAsync();
        await guest.WaitForAgentAsync(BootTimeout);
        await guest.WaitForNetworkAsync(BootTimeout);
        await KeptWorkloads.StartAsync(guest);
        await guest.WaitUntilAsync("systemctl is-system-running", BootTimeout);
        _workloads = await KeptWorkloads.ReadAsync(guest);
        await host.ConfigureAsync(_workloads.Configuration);
    }
}

/// <summary>A guest that the tests of one class share, because what they do there touches nothing.</summary>
public sealed class SharedHost(PreparedHost prepared) : IAsyncLifetime
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(2);

    private NvwaHost? _host;
    private string _state = "";

    public NvwaHost Host => _host!;

    public async Task InitializeAsync()
    {
        _host = await prepared.StartAsync("shared");
        await LookAgainAsync();
    }

    public async Task DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.Guest.DisposeAsync();
        }
    }

    /// <summary>For a test that is there to touch something: the next one begins with what it left.</summary>
    public async Task LookAgainAsync() => _state = await HostState.ReadAsync(Host.Guest);

    /// <summary>The commands end with this code, say all of these words each, and touch nothing.</summary>
    /// <returns>What the last one said.</returns>
    public async Task<GuestCommandResult> TouchesNothingAsync(string[] commands, int exitCode, params string[] said)
    {
        ArgumentNullException.ThrowIfNull(commands);
        var results = new List<GuestCommandResult>();
        foreach (string command in commands)
        {
            results.Add(await Host.Guest.RunAsync(command, CommandTimeout));
        }

        // Looked at once for each test: it begins with what the one before it left, even if that one failed.
        string before = _state;
        await LookAgainAsync();
        Assert.All(commands.Zip(results), ran => HostState.Says(ran.Second, ran.First, exitCode, said));
        Assert.Equal(before, _state);
        return results[^1];
    }
}
