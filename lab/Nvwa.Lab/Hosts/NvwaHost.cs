using System.Globalization;
using System.Text;
using System.Text.Json;
using Nvwa.Qemu;

namespace Nvwa.Lab.Hosts;

/// <summary>A guest with nvwa installed, and what its operator does there.</summary>
public sealed class NvwaHost(LabGuest guest)
{
    public const string RestoreFile = "/etc/nvwa/nvwa-restore.yaml";
    public const string ServerFile = "/etc/nvwa/nvwa-server.yaml";

    /// <summary>As the package ships it.</summary>
    public const string DefaultServerConfiguration = """
        criu_dir: /var/nvwa/running/
        criu_exe: /usr/sbin/criu
        kexec_exe: /usr/sbin/kexec
        systemd_etc: /etc/systemd/system/
        log_dir: /etc/nvwa/log/

        """;

    private const UnixFileMode ConfigurationMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private const string OutputFile = "/root/update.txt";
    private const string EndMark = "exit code ";

    // The output is written through: what was printed before the kernel was gone can be read after it. "exit code" is last.
    private const string UpdateCommand =
        "rm -f " + OutputFile + "; touch " + OutputFile + "; "
        + "setsid -f sh -c '{{ nvwa update {0}; echo \"" + EndMark + "$?\"; }} 2>&1 | dd of=" + OutputFile
        + " oflag=sync status=none bs=64k' </dev/null >/dev/null 2>&1";

    private const string WatchCommand = "cat /proc/sys/kernel/random/boot_id && uname -r && cat " + OutputFile;

    private static readonly CompositeFormat UpdateFormat = CompositeFormat.Parse(UpdateCommand);

    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan UpdateTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan WatchTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchPause = TimeSpan.FromMilliseconds(500);

    public LabGuest Guest => guest;

    public Task<string> InstallPackageAsync(CancellationToken cancellationToken = default) =>
        guest.OutputOfAsync(InstallCommand(LabPackage.GuestPath), InstallTimeout, cancellationToken);

    /// <summary>The CRIU that Linux 6.16 and later need for TCP; the guest has its packages, and no network.</summary>
    public Task<string> InstallNewerCriuAsync(CancellationToken cancellationToken = default) =>
        InstallAsync("/opt/criu-forky", cancellationToken);

    /// <summary>Packages that lie ready in the guest.</summary>
    /// <param name="directory">Of the guest; see lab/image/README.md.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<string> InstallAsync(string directory, CancellationToken cancellationToken = default) =>
        guest.OutputOfAsync(InstallCommand($"{directory}/*.deb"), InstallTimeout, cancellationToken);

    /// <summary>Runs <c>nvwa</c> with these words to its end.</summary>
    public Task<GuestCommandResult> NvwaAsync(string words, CancellationToken cancellationToken = default) =>
        guest.RunAsync($"nvwa {words}", CommandTimeout, cancellationToken);

    /// <summary>Waits for the end of an update, across the change of kernels; the result is the update's own.</summary>
    public Task<GuestCommandResult> WaitForUpdateAsync(string id, CancellationToken cancellationToken = default) =>
        guest.RunAsync($"nvwa status --wait {id}", UpdateTimeout, cancellationToken);

    public async Task<NvwaStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        GuestCommandResult result = await NvwaAsync("status --json", cancellationToken);
        return JsonSerializer.Deserialize(result.Output, NvwaJson.Default.NvwaStatus)
            ?? throw new LabException($"nvwa status --json: {result.Error}");
    }

    /// <summary>Writes both configuration files.</summary>
    public async Task ConfigureAsync(string restore, string server = DefaultServerConfiguration, CancellationToken cancellationToken = default)
    {
        await WriteAsync(RestoreFile, restore, cancellationToken);
        await WriteAsync(ServerFile, server, cancellationToken);
    }

    /// <summary>Begins an update that goes on when nobody looks, as from a terminal that closes.</summary>
    public async Task StartUpdateAsync(string version, CancellationToken cancellationToken = default) =>
        _ = await guest.OutputOfAsync(
            string.Format(CultureInfo.InvariantCulture, UpdateFormat, version), cancellationToken: cancellationToken);

    /// <summary>Updates, and waits until the command has ended or another kernel answers.</summary>
    /// <param name="version">The kernel to change to, and options if there are any.</param>
    /// <param name="onOutput">Gets each new piece of output, once.</param>
    /// <param name="cancellationToken">Stops looking; the update goes on.</param>
    /// <exception cref="TimeoutException">Neither happened in time.</exception>
    public async Task<UpdateEnd> UpdateAsync(
        string version, Action<string>? onOutput = null, CancellationToken cancellationToken = default)
    {
        GuestBoot before = await guest.BootAsync(cancellationToken);
        await StartUpdateAsync(version, cancellationToken);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(UpdateTimeout);
        try
        {
            return await WatchAsync(before, onOutput ?? (_ => { }), deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{guest.Name}: nvwa update {version} neither ended nor changed the kernel");
        }
    }

    private static string InstallCommand(string packages) =>
        $"DEBIAN_FRONTEND=noninteractive apt-get install -qy -o Dpkg::Use-Pty=0 {packages} 2>&1";

    private async Task WriteAsync(string path, string content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        await guest.PutFileAsync(stream, path, ConfigurationMode, cancellationToken);
    }

    private async Task<UpdateEnd> WatchAsync(GuestBoot before, Action<string> onOutput, CancellationToken cancellationToken)
    {
        int shown = 0;
        while (true)
        {
            if (await TryLookAsync(cancellationToken) is { } seen)
            {
                // A kernel that is just gone may have taken the last line along.
                onOutput(seen.Output[Math.Min(shown, seen.Output.Length)..]);
                shown = Math.Max(shown, seen.Output.Length);
                if (seen.ExitCode is not null || seen.Boot.Id != before.Id)
                {
                    return seen;
                }
            }

            await Task.Delay(WatchPause, TimeProvider.System, cancellationToken);
        }
    }

    // Between two kernels there is nobody to ask.
    private async Task<UpdateEnd?> TryLookAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Read(await guest.OutputOfAsync(WatchCommand, WatchTimeout, cancellationToken));
        }
        catch (Exception e) when (guest.IsOn && e is TimeoutException or QmpException or QmpTransportException)
        {
            return null;
        }
    }

    private static UpdateEnd Read(string seen)
    {
        string[] parts = seen.Split('\n', 3);
        string output = parts[2];
        int mark = output.LastIndexOf(EndMark, StringComparison.Ordinal);
        int? exitCode = mark >= 0 && output.EndsWith('\n') ? int.Parse(output[(mark + EndMark.Length)..], CultureInfo.InvariantCulture) : null;
        return new UpdateEnd(exitCode is null ? output : output[..mark], exitCode, new GuestBoot(parts[0], parts[1]));
    }
}
