using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.Lab.Hosts;

/// <summary>A guest with nvwa in it, and this terminal as its serial console.</summary>
public static class GuestShell
{
    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SettingTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Returns when the guest is off.</summary>
    public static async Task<int> RunAsync(LabKernel kernel, CancellationToken cancellationToken)
    {
        LabImage image = await LabPackage.LocateImageAsync(cancellationToken);
        Say($"booting Linux {image.Release(kernel)}");
        await using LabGuest guest = await LabGuest.StartAsync(
            image, new LabGuestOptions { Name = "shell", Kernel = kernel, Files = LabPackage.Files() }, cancellationToken);
        await guest.WaitForAgentAsync(BootTimeout, cancellationToken);
        var host = new NvwaHost(guest);
        Say("installing nvwa and the newer CRIU");
        _ = await host.InstallPackageAsync(cancellationToken);
        _ = await host.InstallNewerCriuAsync(cancellationToken);
        Say($"this is the serial console; the guest is {LabNetwork.GuestAddress} in the network namespace {guest.Network.Name}; end it with: poweroff");
        await AttachAsync(guest.ConsoleSocketPath, cancellationToken);
        return 0;
    }

    private static void Say(string line) => Console.Error.WriteLine($"shell: {line}");

    private static async Task AttachAsync(string consolePath, CancellationToken cancellationToken)
    {
        using var console = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await console.ConnectAsync(new UnixDomainSocketEndPoint(consolePath), cancellationToken);
        await using var stream = new NetworkStream(console);
        // A prompt was printed before anybody looked.
        await stream.WriteAsync("\r"u8.ToArray(), cancellationToken);
        string? setting = await MakeRawAsync(cancellationToken);
        try
        {
            await CopyAsync(stream, cancellationToken);
        }
        finally
        {
            await RestoreAsync(setting);
        }
    }

    // QEMU closes the console when the guest is off; what is typed after that goes nowhere.
    private static async Task CopyAsync(NetworkStream console, CancellationToken cancellationToken)
    {
        using var off = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using Stream keyboard = Console.OpenStandardInput();
        await using Stream screen = Console.OpenStandardOutput();
        Task typing = keyboard.CopyToAsync(console, off.Token);
        await console.CopyToAsync(screen, cancellationToken);
        await off.CancelAsync();
        // A read of a terminal cannot be interrupted: the task is left behind.
        _ = typing.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
    }

    /// <returns>The terminal's setting before; null where this is no terminal.</returns>
    private static async Task<string?> MakeRawAsync(CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
        {
            return null;
        }

        SpawnResult before = await SttyAsync(["-g"], cancellationToken);
        _ = await SttyAsync(["raw", "-echo"], cancellationToken);
        return before.Output.Trim();
    }

    private static async Task RestoreAsync(string? setting)
    {
        if (setting is not null)
        {
            _ = await SttyAsync([setting], CancellationToken.None);
        }
    }

    private static Task<SpawnResult> SttyAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var terminal = new InheritedDescriptor(new SafeFileHandle(0, ownsHandle: false), 0);
        return Spawn.RunAsync(new SpawnRequest("stty", arguments) { Inherit = [terminal] }, SettingTimeout, cancellationToken);
    }
}
